package live

// limits returns the files of /proc/sys/user, as our own user namespace has
// them, see namespaces(7).
func (c *capture) limits() map[string]int64 {
	const dir = "sys/user"
	names, err := entries(c.root, dir)
	if err != nil {
		if !gone(err) {
			c.p.add("read limits", c.dir+"/"+dir, 0, err)
		}
		return nil
	}
	limits := make(map[string]int64, len(names))
	for _, name := range names {
		if n, ok := c.number(dir + "/" + name); ok {
			limits[name] = n
		}
	}
	return limits
}
