"""The two lanes by which the office tells a partner: ordinary (two people, a package) and emergency
(one person by phone, reviewed by a second one afterwards)."""
