"""The three lanes by which something leaves the house: ordinary (two people), emergency (one, reviewed), and later her own notices."""
