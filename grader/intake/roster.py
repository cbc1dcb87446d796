def load_roster(p): return ()
