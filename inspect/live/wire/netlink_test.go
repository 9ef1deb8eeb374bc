package wire

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// fakeKernel answers each request on a netlink socket with the next of the
// answers, one received piece each.
func fakeKernel(t *testing.T, answers ...[][]byte) *socket {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &socket{fd: pair[0], buf: make([]byte, bufSize)}
	done := make(chan struct{})
	t.Cleanup(func() {
		s.close()
		<-done
		unix.Close(pair[1])
	})
	go func() {
		defer close(done)
		buf := make([]byte, bufSize)
		for _, answer := range answers {
			n, err := unix.Read(pair[1], buf)
			if err != nil || n < unix.NLMSG_HDRLEN {
				return
			}
			for _, piece := range answer {
				p := slices.Clone(piece)
				for rest := p; len(rest) >= unix.NLMSG_HDRLEN; {
					copy(rest[8:12], buf[8:12]) // the request's number
					size := int(native.Uint32(rest))
					if size < unix.NLMSG_HDRLEN || size > len(rest) {
						break
					}
					rest = rest[min(align4(size), len(rest)):]
				}
				if _, err := unix.Write(pair[1], p); err != nil {
					return
				}
			}
		}
	}()
	return s
}

func message(typ, flags uint16, body []byte) []byte {
	b := native.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(body)))
	b = native.AppendUint16(b, typ)
	b = native.AppendUint16(b, flags)
	b = append(append(b, make([]byte, 8)...), body...)
	return append(b, make([]byte, align4(len(b))-len(b))...)
}

func nsidMessage(flags uint16, n int32) []byte {
	return message(unix.RTM_NEWNSID, flags, appendU32(make([]byte, sizeofRtGenmsg), unix.NETNSA_NSID, uint32(n)))
}

func doneMessage(flags uint16, errno int32) []byte {
	return message(unix.NLMSG_DONE, flags, native.AppendUint32(nil, uint32(-errno)))
}

func TestListAgainWhenTorn(t *testing.T) {
	torn := [][]byte{nsidMessage(0, 1), doneMessage(unix.NLM_F_DUMP_INTR, 0)}
	whole := [][]byte{slices.Concat(nsidMessage(0, 1), nsidMessage(0, 2)), nsidMessage(0, 3), doneMessage(0, 0)}
	got, isTorn, err := fakeKernel(t, torn, torn, whole).nsids()
	if err != nil || isTorn || !slices.Equal(got, []int32{1, 2, 3}) {
		t.Errorf("%v, torn %v, %v", got, isTorn, err)
	}
	got, isTorn, err = fakeKernel(t, torn, torn, torn, torn, torn, whole).nsids()
	if err != nil || !isTorn || !slices.Equal(got, []int32{1}) {
		t.Errorf("never whole: %v, torn %v, %v", got, isTorn, err)
	}
}

func TestListFails(t *testing.T) {
	denied := message(unix.NLMSG_ERROR, 0, native.AppendUint32(nil, uint32(0xffffffff))) // -EPERM
	cut := nsidMessage(0, 1)
	native.PutUint32(cut, 400)
	for _, tc := range []struct {
		name  string
		piece []byte
		err   error
		got   int
	}{
		{"error", denied, unix.EPERM, 0},
		{"error at the end", slices.Concat(nsidMessage(0, 1), doneMessage(0, int32(unix.EMSGSIZE))), unix.EMSGSIZE, 1},
		{"message longer than what came", cut, errMalformed, 0},
		{"body too short", slices.Concat(message(unix.RTM_NEWNSID, 0, []byte{1}), nsidMessage(0, 7), doneMessage(0, 0)), errMalformed, 1},
	} {
		got, _, err := fakeKernel(t, [][]byte{tc.piece}).nsids()
		if !errors.Is(err, tc.err) || len(got) != tc.got {
			t.Errorf("%s: %v, %v", tc.name, got, err)
		}
	}
	// An answer without the message that was asked for ends too.
	if _, err := fakeKernel(t, [][]byte{doneMessage(0, 0)}).ask(unix.RTM_GETNSID, nil); !errors.Is(err, errMalformed) {
		t.Errorf("ask: %v", err)
	}
}

func TestStaleAnswerIsSkipped(t *testing.T) {
	s := fakeKernel(t, [][]byte{nsidMessage(0, 5), doneMessage(0, 0)})
	old := nsidMessage(0, 4)
	native.PutUint32(old[8:], 99)
	var got int
	_, _, err := s.messages(old, func([]byte) { got++ })
	if err != nil || got != 0 {
		t.Errorf("an answer to another request was taken: %d, %v", got, err)
	}
}

// FuzzAttrs: attributes that walk to the end are those that they were made
// of, and no walk leaves its bytes.
func FuzzAttrs(f *testing.F) {
	f.Add(appendString(appendU32(nil, unix.IFLA_MTU, 1500), unix.IFLA_IFNAME, "eth0"))
	f.Add([]byte{3, 0, 1, 0})
	f.Add([]byte{255, 255, 1, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		total := 0
		a := attrs{rest: b}
		for a.next() {
			total += attrHeader + len(a.data)
			again = appendAttr(again, a.typ, a.data)
			text := a.str()
			if !utf8.ValidString(text) {
				t.Fatalf("text %q", text)
			}
		}
		if total > len(b) {
			t.Fatalf("%d bytes of attributes in %d", total, len(b))
		}
		second := attrs{rest: again}
		n := 0
		for second.next() {
			n += attrHeader + len(second.data)
		}
		if second.err != nil || n != total {
			t.Fatalf("made again: %d bytes, %v; before %d", n, second.err, total)
		}
	})
}

// FuzzMessages: what is parsed of any message survives a snapshot, and what
// the parsers refuse they refuse with a reason.
func FuzzMessages(f *testing.F) {
	link := make([]byte, unix.SizeofIfInfomsg)
	native.PutUint32(link[4:], 7)
	info := appendString(nil, unix.IFLA_INFO_KIND, "vxlan")
	info = appendAttr(info, unix.IFLA_INFO_DATA, appendU32(appendU32(nil, unix.IFLA_VXLAN_ID, 42), unix.IFLA_VXLAN_LINK, 2))
	f.Add(uint8(0), appendAttr(appendString(link, unix.IFLA_IFNAME, "vx\xff0"), unix.IFLA_LINKINFO, info))
	f.Add(uint8(1), append([]byte{2, 24, 128, 0, 4, 0, 0, 0}, appendAttr(nil, unix.IFA_LOCAL, []byte{10, 0, 0, 1})...))
	f.Add(uint8(2), append([]byte{2, 24, 0, 0, 254, 2, 253, 1, 0, 0, 0, 0}, appendAttr(nil, unix.RTA_DST, []byte{10, 0, 0, 0})...))
	f.Add(uint8(2), append([]byte{2, 0, 0, 0, 254, 2, 0, 1, 0, 0, 0, 0}, appendAttr(nil, unix.RTA_MULTIPATH, []byte{8, 0, 0, 1, 3, 0, 0, 0})...))
	f.Add(uint8(3), append([]byte{2, 0, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0}, appendU32(nil, unix.FRA_PRIORITY, 32766)...))
	f.Add(uint8(4), append([]byte{2, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 1}, appendAttr(nil, unix.NDA_DST, []byte{10, 0, 0, 1})...))
	f.Add(uint8(5), append([]byte{7, 0, 0, 0, 4, 0, 0, 0, 0x80, 0, 2, 0}, appendAttr(nil, unix.NDA_LLADDR, []byte{2, 0, 0, 0, 0, 1})...))
	f.Add(uint8(6), append([]byte{2, 0, 0, 0}, appendU32(nil, netconfForwarding, 1)...))
	f.Add(uint8(7), make([]byte, sizeofDiagMsg))
	f.Add(uint8(8), append([]byte{2, 0, 0, 0}, appendAttr(nil, unix.NFTA_RULE_EXPRESSIONS, appendAttr(nil, unix.NFTA_LIST_ELEM, appendString(nil, unix.NFTA_EXPR_NAME, "cmp")))...))
	f.Add(uint8(9), []byte{2, 0, 0, 0})
	f.Add(uint8(10), []byte{2, 0, 0, 0})
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		parsers := []func([]byte) (any, bool, error){
			anyOf(parseLink), anyOf(parseAddr), anyOf(parseRoute), anyOf(parseGateway), anyOf(parseRule), anyOf(parseNeigh), anyOf(parseFDB),
			anyOf(parseNetConf), anyOf(parseDiag), anyOf(parseRuleNFT), anyOf(parseElements), anyOf(parseChain), anyOf(parsePortVLANs),
		}
		v, ok, err := parsers[int(which)%len(parsers)](b)
		if err != nil && !errors.Is(err, errMalformed) {
			t.Fatalf("error without reason: %v", err)
		}
		if !ok || err != nil {
			return
		}
		if l, is := v.(inspect.Interface); is && l.Index <= 0 {
			t.Fatalf("index %d", l.Index)
		}
		if _, err := json.Marshal(v); err != nil {
			t.Fatalf("%+v: %v", v, err)
		}
	})
}

func anyOf[T any](parse func([]byte) (T, bool, error)) func([]byte) (any, bool, error) {
	return func(b []byte) (any, bool, error) {
		v, ok, err := parse(b)
		return v, ok, err
	}
}
