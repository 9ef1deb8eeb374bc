package live

import (
	"errors"
	"math"
	"os"

	"github.com/moby/sys/user"

	"nsinspect/inspect"
)

// The host's passwd(5) and group(5).
const (
	passwd = "/etc/passwd"
	group5 = "/etc/group"
)

// nameUsers finds the names of all users and groups that occur.
func (c *capture) nameUsers() {
	c.host.Users = c.userNames(uidsOf(c.procs, c.ns.facts()))
	if c.Facts.Has(inspect.FactProcesses) {
		c.host.Groups = c.groupNames(gidsOf(c.procs))
	}
}

// userNames returns the names of those of uids that have one.
func (c *capture) userNames(uids map[uint32]bool) map[uint32]string {
	users, err := user.ParsePasswdFileFilter(passwd, func(u user.User) bool { return isID(u.Uid) && uids[uint32(u.Uid)] })
	if err != nil {
		c.noNames(passwd, err)
		return nil
	}
	names := make(map[uint32]string, len(users))
	for _, u := range users {
		if _, ok := names[uint32(u.Uid)]; !ok {
			names[uint32(u.Uid)] = text([]byte(u.Name))
		}
	}
	return names
}

// uidsOf returns the uids that occur in the snapshot.
func uidsOf(procs []inspect.Process, list []inspect.Namespace) map[uint32]bool {
	uids := map[uint32]bool{}
	for i := range procs {
		if info := procs[i].Info; info != nil {
			for _, uid := range info.UID {
				uids[uid] = true
			}
		}
	}
	for i := range list {
		if uid := list[i].OwnerUID; uid != nil {
			uids[*uid] = true
		}
	}
	return uids
}

// groupNames returns the names of those of gids that have one.
func (c *capture) groupNames(gids map[uint32]bool) map[uint32]string {
	groups, err := user.ParseGroupFileFilter(group5, func(g user.Group) bool { return isID(g.Gid) && gids[uint32(g.Gid)] })
	if err != nil {
		c.noNames(group5, err)
		return nil
	}
	names := make(map[uint32]string, len(groups))
	for _, g := range groups {
		if _, ok := names[uint32(g.Gid)]; !ok {
			names[uint32(g.Gid)] = text([]byte(g.Name))
		}
	}
	return names
}

// gidsOf returns the gids that occur in the snapshot.
func gidsOf(procs []inspect.Process) map[uint32]bool {
	gids := map[uint32]bool{}
	for i := range procs {
		if info := procs[i].Info; info != nil {
			for _, gid := range info.GID {
				gids[gid] = true
			}
		}
	}
	return gids
}

// isID reports whether n is a user or group id; the file holds what it likes.
func isID(n int) bool { return n >= 0 && int64(n) <= math.MaxUint32 }

// noNames notes why ids have no names. A system without the file has none.
func (c *capture) noNames(file string, err error) {
	if !errors.Is(err, os.ErrNotExist) {
		c.p.add("read names of users", file, 0, err)
	}
}
