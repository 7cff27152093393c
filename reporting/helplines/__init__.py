"""Who can help right now, by country: reviewed data in git, read from a file so that it works with
the database down."""
