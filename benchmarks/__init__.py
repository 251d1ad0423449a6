"""How fast the lab trains beside the tutorials it grew from, and how much memory it takes."""
