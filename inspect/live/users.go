package live

import (
	"github.com/moby/sys/user"

	"nsinspect/inspect"
)

// The host's passwd(5) and group(5).
const (
	passwd = "/etc/passwd"
	group5 = "/etc/group"
)

// userNames returns the names of those of uids that have one.
func userNames(uids map[uint32]bool) map[uint32]string {
	users, err := user.ParsePasswdFileFilter(passwd, func(u user.User) bool {
		return u.Uid >= 0 && uids[uint32(u.Uid)]
	})
	if err != nil {
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
func groupNames(gids map[uint32]bool) map[uint32]string {
	groups, err := user.ParseGroupFileFilter(group5, func(g user.Group) bool {
		return g.Gid >= 0 && gids[uint32(g.Gid)]
	})
	if err != nil {
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
