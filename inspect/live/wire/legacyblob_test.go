package wire

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nsinspect/inspect"
)

// tableMaker writes the entries of a table as iptables(8) does.
type tableMaker struct {
	family inspect.NFFamily
	layout legacyLayout
	blob   []byte
	// jump and end are entries of filterTable: the jump to A and the end of A.
	jump, end int
}

// entry appends an entry with matches and a target, each of 32 bytes and data.
func (m *tableMaker) entry(target string, info []byte, matches ...string) {
	common, counters := entrySize(m.family)
	b := make([]byte, counters+16)
	part := func(name string, info []byte) {
		p := make([]byte, xtPartSize, xtPartSize+len(info)+7)
		copy(p[2:31], name)
		p = append(p, info...)
		for len(p)%8 != 0 {
			p = append(p, 0)
		}
		native.PutUint16(p, uint16(len(p)))
		b = append(b, p...)
	}
	for _, name := range matches {
		part(name, make([]byte, 16))
	}
	native.PutUint16(b[common+4:], uint16(len(b)))
	part(target, info)
	native.PutUint16(b[common+6:], uint16(len(b)))
	m.blob = append(m.blob, b...)
	m.layout.entries++
	m.layout.size = uint32(len(m.blob))
}

func (m *tableMaker) verdict(v int32, matches ...string) {
	m.entry(xtStandard, native.AppendUint32(nil, uint32(v)), matches...)
}

func (m *tableMaker) name(name string) {
	info := make([]byte, 30)
	copy(info, name)
	m.entry(xtError, info)
}

// hook begins the chain of a hook.
func (m *tableMaker) hook(h int) {
	m.layout.hooks |= 1 << h
	m.layout.entry[h] = uint32(len(m.blob))
}

func (m *tableMaker) policy(h int, v int32) {
	m.layout.underflow[h] = uint32(len(m.blob))
	m.verdict(v)
}

// skip is a rule without target: it leads to the next.
func (m *tableMaker) skip() {
	m.verdict(int32(len(m.blob) + m.verdictAt() + 8))
}

// verdictAt is where an entry without matches has its verdict.
func (m *tableMaker) verdictAt() int {
	_, counters := entrySize(m.family)
	return counters + 16 + xtPartSize
}

// patch changes four bytes.
func (m *tableMaker) patch(at int, v int32) { native.PutUint32(m.blob[at:], uint32(v)) }

// filterTable has the chains INPUT, FORWARD (a rule, a jump to the chain A, a
// rule without target), OUTPUT and A.
func filterTable(f inspect.NFFamily) *tableMaker {
	m := &tableMaker{family: f}
	m.hook(1)
	m.policy(1, xtAccept)
	m.hook(2)
	m.verdict(xtDrop, "tcp", "comment")
	m.jump = len(m.blob)
	m.verdict(0)
	m.entry("LOG", make([]byte, 8), "limit")
	m.skip()
	m.policy(2, xtDrop)
	m.hook(3)
	m.policy(3, xtAccept)
	m.name("A")
	m.patch(m.jump+m.verdictAt(), int32(len(m.blob)))
	m.verdict(xtAccept)
	m.end = len(m.blob)
	m.verdict(xtReturn)
	m.name(xtError)
	return m
}

func (m *tableMaker) parse() (legacyTable, error) {
	return parseLegacy(m.family, "filter", m.layout, m.blob)
}

func TestParseLegacy(t *testing.T) {
	for _, f := range []inspect.NFFamily{inspect.NFIPv4, inspect.NFIPv6} {
		got, err := filterTable(f).parse()
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, c := range got.chains {
			words = append(words, c.Name+" "+c.Hook+" "+c.Policy)
		}
		for _, r := range got.rules {
			w := r.Chain
			for _, e := range r.Exprs {
				switch {
				case e.Verdict != nil:
					w += " " + e.Verdict.Code + e.Verdict.Chain
				case e.Extension != "":
					w += " " + e.Extension
				}
			}
			words = append(words, w)
		}
		want := "INPUT input accept,FORWARD forward drop,OUTPUT output accept,A  ,FORWARD tcp comment drop,FORWARD jumpA,FORWARD limit LOG,FORWARD,A accept"
		if have := strings.Join(words, ","); have != want {
			t.Errorf("%s:\n have %s\n want %s", f, have, want)
		}
	}
}

// What is laid out otherwise than iptables does is an error, never a guess.
func TestParseLegacyOdd(t *testing.T) {
	common, counters := entrySize(inspect.NFIPv4)
	first := func(m *tableMaker, off int) int { return int(m.layout.entry[2]) + off }
	for name, change := range map[string]func(m *tableMaker){
		"cut":                    func(m *tableMaker) { m.blob = m.blob[:len(m.blob)-8] },
		"empty":                  func(m *tableMaker) { *m = tableMaker{family: m.family} },
		"other number":           func(m *tableMaker) { m.layout.entries++ },
		"no end":                 func(m *tableMaker) { copy(m.blob[len(m.blob)-64+2:], "X\x00\x00\x00\x00") },
		"hook without rules":     func(m *tableMaker) { m.layout.hooks |= 1 },
		"hook within a rule":     func(m *tableMaker) { m.layout.entry[2] += 8 },
		"policy elsewhere":       func(m *tableMaker) { m.layout.underflow[2] += 8 },
		"policy is a queue":      func(m *tableMaker) { m.patch(int(m.layout.underflow[2])+m.verdictAt(), -4) },
		"policy with condition":  func(m *tableMaker) { m.blob[m.layout.underflow[2]] = 10 },
		"next rule is this":      func(m *tableMaker) { native.PutUint16(m.blob[first(m, common+6):], 0) },
		"next rule is far":       func(m *tableMaker) { native.PutUint16(m.blob[first(m, common+6):], 0xffff) },
		"target within the head": func(m *tableMaker) { native.PutUint16(m.blob[first(m, common+4):], 8) },
		"match of no size":       func(m *tableMaker) { native.PutUint16(m.blob[first(m, counters+16):], 0) },
		"match too long":         func(m *tableMaker) { native.PutUint16(m.blob[first(m, counters+16):], 0x7fff) },
		"flags":                  func(m *tableMaker) { m.blob[first(m, 82)] = 0x80 },
		"protocol":               func(m *tableMaker) { m.blob[first(m, 81)] = 1 },
		"jump to a hook's chain": func(m *tableMaker) { m.patch(m.jump+m.verdictAt(), 0) },
		"jump into a rule":       func(m *tableMaker) { m.patch(m.jump+m.verdictAt(), 8) },
		"jump to within A":       func(m *tableMaker) { m.patch(m.jump+m.verdictAt(), int32(m.end)) },
		"verdict not known":      func(m *tableMaker) { m.patch(m.jump+m.verdictAt(), -100) },
		"chain without end":      func(m *tableMaker) { m.patch(m.end+m.verdictAt(), xtAccept) },
	} {
		m := filterTable(inspect.NFIPv4)
		change(m)
		if got, err := m.parse(); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	twice := filterTable(inspect.NFIPv4)
	twice.blob = twice.blob[:twice.end+twice.verdictAt()+8]
	twice.layout.entries--
	twice.name("A")
	twice.verdict(xtReturn)
	twice.name(xtError)
	if _, err := twice.parse(); !errors.Is(err, errLayout) || !strings.Contains(err.Error(), "twice") {
		t.Errorf("chain A twice: %v", err)
	}
	if _, err := parseLegacy(inspect.NFIPv4, "other", filterTable(inspect.NFIPv4).layout, filterTable(inspect.NFIPv4).blob); err == nil {
		t.Error("a table of another name was read")
	}
}

// An address with bits that its mask does not have is no address of IPv4, and
// of IPv6 it is one without them: so the kernel compares.
func TestLegacyAddress(t *testing.T) {
	for _, tc := range []struct {
		family     inspect.NFFamily
		addr, mask []byte
		want       string // operator and data, or nothing
	}{
		{inspect.NFIPv4, []byte{10, 1, 0, 0}, []byte{255, 0, 0, 0}, "== 0a010000"},
		{inspect.NFIPv4, []byte{0, 0, 0, 1}, make([]byte, 4), "== 00000001"},
		{inspect.NFIPv4, make([]byte, 4), make([]byte, 4), ""},
		{inspect.NFIPv6, []byte{0: 0xfd, 15: 1}, []byte{0: 0xff, 15: 0}, "== fd000000000000000000000000000000"},
		{inspect.NFIPv6, []byte{15: 1}, make([]byte, 16), ""},
	} {
		w := legacyWriter{family: tc.family, ip: &xtIP{}}
		w.address(12, tc.addr, tc.mask, xtInvSrc)
		got := ""
		if len(w.out) == 3 {
			got = fmt.Sprintf("%s %x", w.out[2].Op, []byte(w.out[2].Data))
		}
		if got != tc.want || len(w.out) != 0 && (len(w.out) != 3 || !slices.Equal(w.out[1].Mask, tc.mask)) {
			t.Errorf("%v under %v: %q, want %q: %+v", tc.addr, tc.mask, got, tc.want, w.out)
		}
	}
}

// FuzzLegacy holds that whatever the kernel says, either nothing is read, or
// every entry is a rule, a policy, or the beginning or end of a chain, and all
// that rules lead to is there.
func FuzzLegacy(f *testing.F) {
	for _, family := range []inspect.NFFamily{inspect.NFIPv4, inspect.NFIPv6} {
		m := filterTable(family)
		info := make([]byte, sizeofXtInfo)
		b := native.AppendUint32(info[:xtNameLen], m.layout.hooks)
		for _, list := range [2][hookCount]uint32{m.layout.entry, m.layout.underflow} {
			for _, v := range list {
				b = native.AppendUint32(b, v)
			}
		}
		b = native.AppendUint32(native.AppendUint32(b, m.layout.entries), m.layout.size)
		f.Add(family == inspect.NFIPv6, b, m.blob)
	}
	f.Fuzz(func(t *testing.T, v6 bool, info, blob []byte) {
		if len(info) < sizeofXtInfo {
			return
		}
		family := inspect.NFIPv4
		if v6 {
			family = inspect.NFIPv6
		}
		layout := parseLayout(info)
		layout.size = uint32(len(blob))
		got, err := parseLegacy(family, "mangle", layout, blob)
		if err != nil {
			return
		}
		var own, hooks int
		last := map[string]uint64{}
		for _, c := range got.chains {
			if _, ok := last[c.Name]; ok {
				t.Fatalf("chain %q twice", c.Name)
			}
			last[c.Name] = 0
			if c.Hook == "" {
				own++
			} else if hooks++; c.Policy == "" {
				t.Fatalf("no policy: %+v", c)
			}
		}
		for _, r := range got.rules {
			n, ok := last[r.Chain]
			if !ok || r.Handle != n+1 {
				t.Fatalf("rule %+v after rule %d", r, n)
			}
			last[r.Chain] = r.Handle
			for _, e := range r.Exprs {
				if e.Verdict == nil || e.Verdict.Chain == "" {
					continue
				}
				if !slices.ContainsFunc(got.chains, func(c inspect.NFChain) bool { return c.Name == e.Verdict.Chain && c.Hook == "" }) {
					t.Fatalf("%+v leads nowhere", r)
				}
			}
		}
		if want := len(got.rules) + hooks + 2*own + 1; want != int(layout.entries) {
			t.Fatalf("%d entries of %d", want, layout.entries)
		}
		if again, err := parseLegacy(family, "mangle", layout, blob); err != nil || !reflect.DeepEqual(got, again) {
			t.Fatalf("%+v, then %+v, %v", got, again, err)
		}
	})
}
