def write_whole(store, course, folders, roster): pass
