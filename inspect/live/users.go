package live

import (
	"github.com/moby/sys/user"

	"nsinspect/inspect"
)

// passwd is the host's passwd(5).
const passwd = "/etc/passwd"

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
