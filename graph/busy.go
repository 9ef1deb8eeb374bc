package graph

import (
	"fmt"
	"slices"
	"strings"

	"nsinspect/inspect"
)

// Busy says who has a file system mounted: why a device, or a directory that
// is a mount point somewhere, is busy.
type Busy struct {
	What string `json:"what"` // the path or device that was asked for
	// Device is "major:minor" of the file system, Source what it was mounted
	// from, FSType its kind; "" when nothing is mounted there.
	Device string `json:"device,omitempty"`
	Source string `json:"source,omitempty"`
	FSType string `json:"fstype,omitempty"`
	// In are the mount namespaces that have it.
	In       []BusyIn          `json:"in"`
	Problems []inspect.Problem `json:"problems"`
	Format   int               `json:"format"`
}

// BusyIn is a mount namespace in which a file system is mounted.
type BusyIn struct {
	NS     uint64      `json:"ns"`
	Host   *bool       `json:"host"`
	Points []BusyPoint `json:"points"`
	// Holders are what keeps the mount namespace alive.
	Holders []Holder `json:"holders"`
	More    int      `json:"more,omitempty"`
	Free    []Remedy `json:"free"`
}

// BusyPoint is one mount.
type BusyPoint struct {
	Point   string `json:"point"`
	Root    string `json:"root"`
	Options string `json:"options,omitempty"`
}

// BusyOf returns who has mounted what word means: a device by name or as
// "major:minor", else the file system that is mounted at or above a path of
// the observer, and what is mounted at that path in other mount namespaces.
// It is nil when no mount is known for word.
func BusyOf(x *inspect.Index, word string) *Busy {
	b := &Busy{What: word, In: []BusyIn{}, Problems: problems(x), Format: inspect.Format}
	match := b.matcher(x)
	if match == nil {
		return nil
	}
	at := map[inspect.ID]int{}
	for _, m := range x.Snapshot().Mounts {
		if !match(&m) {
			continue
		}
		i, ok := at[m.NS]
		if !ok {
			i = len(b.In)
			at[m.NS] = i
			b.In = append(b.In, busyIn(x, m.NS))
		}
		b.In[i].Points = append(b.In[i].Points, BusyPoint{m.Point, m.Root, m.Options})
	}
	for i := range b.In {
		b.In[i].Free = release(&b.In[i])
	}
	return b
}

// matcher fills in which file system is meant and returns what its mounts are.
func (b *Busy) matcher(x *inspect.Index) func(*inspect.Mount) bool {
	list := x.Snapshot().Mounts
	use := func(m *inspect.Mount) { b.Device, b.Source, b.FSType = m.Device, m.Source, m.FSType }
	for i := range list {
		if m := &list[i]; m.Device == b.What || m.Source == b.What && strings.HasPrefix(b.What, "/dev/") {
			use(m)
			return func(o *inspect.Mount) bool { return o.Device == m.Device }
		}
	}
	if !strings.HasPrefix(b.What, "/") {
		return nil
	}
	path := cleanPath(b.What)
	own := x.Own(inspect.Mnt)
	var best *inspect.Mount
	for i := range list {
		if m := &list[i]; m.Point == path && (best == nil || m.NS == own) {
			best = m // the last one of the observer lies on top
		}
	}
	if best == nil {
		return b.above(list, own, path)
	}
	use(best)
	return func(o *inspect.Mount) bool {
		return o.Device == best.Device && related(o.Root, best.Root) || o.Point == path
	}
}

// above takes the file system that path lies on.
func (b *Busy) above(list []inspect.Mount, own inspect.ID, path string) func(*inspect.Mount) bool {
	var best *inspect.Mount
	for i := range list {
		m := &list[i]
		if m.NS == own && related(m.Point, path) && len(m.Point) <= len(path) && (best == nil || len(m.Point) >= len(best.Point)) {
			best = m
		}
	}
	if best == nil {
		return nil
	}
	b.Device, b.Source, b.FSType = best.Device, best.Source, best.FSType
	root := strings.TrimSuffix(best.Root, "/") + strings.TrimPrefix(path, strings.TrimSuffix(best.Point, "/"))
	// Only what has that very directory, or one in it, mounted.
	return func(o *inspect.Mount) bool {
		return o.Device == best.Device && (o.Root == root || strings.HasPrefix(o.Root, root+"/"))
	}
}

// related reports whether one path is the other or lies above it.
func related(a, b string) bool {
	a, b = strings.TrimSuffix(a, "/")+"/", strings.TrimSuffix(b, "/")+"/"
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

func cleanPath(p string) string {
	if p = strings.TrimRight(p, "/"); p == "" {
		return "/"
	}
	return p
}

func busyIn(x *inspect.Index, id inspect.ID) BusyIn {
	in := BusyIn{NS: id.Ino, Host: isHost(x, id, inspect.Mnt), Points: []BusyPoint{}, Holders: []Holder{}}
	h := holding{x: x, seen: map[inspect.ID]bool{}}
	list, more := h.follow(id, 0)
	in.Holders, in.More = append(in.Holders, list...), more
	return in
}

// release says how to unmount in one namespace.
func release(in *BusyIn) []Remedy {
	var list []Remedy
	for _, p := range in.Points {
		if p.Point == "/" && in.Host != nil && *in.Host {
			continue // the root of the host stays
		}
		if in.Host != nil && *in.Host {
			list = append(list, Remedy{"unmount " + p.Point, "umount " + quote(p.Point)})
			continue
		}
		for i := range in.Holders {
			t := &in.Holders[i]
			if t.Kind != HolderTask {
				continue
			}
			if t.Container != nil || p.Point == "/" {
				list = append(list, remedy(t))
			} else {
				list = append(list, Remedy{
					fmt.Sprintf("unmount %s in mnt:[%d]", p.Point, in.NS),
					fmt.Sprintf("nsinspect enter -p %d -m -- umount %s", t.PID, quote(p.Point)),
				})
			}
			break
		}
	}
	if len(list) == 0 && (in.Host == nil || !*in.Host) {
		word := fmt.Sprintf("mnt:%d", in.NS)
		list = append(list, Remedy{"free " + word, "nsinspect why " + word})
	}
	slices.SortFunc(list, func(a, b Remedy) int { return strings.Compare(a.Text, b.Text) })
	return slices.Compact(list)
}
