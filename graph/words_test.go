package graph

import (
	"math"
	"strings"
	"testing"
	"time"

	"nsinspect/inspect"
)

func TestMapWords(t *testing.T) {
	for _, tt := range []struct {
		ranges []inspect.IDRange
		want   string
	}{
		{nil, "no ids are mapped: every id is shown as the overflow id"},
		{[]inspect.IDRange{{Count: math.MaxUint32}}, "all ids, unchanged"},
		{[]inspect.IDRange{{Inside: 0, Outside: 100000, Count: 65536}}, "0–65535 inside are 100000–165535 on the host (65536 ids)"},
		{[]inspect.IDRange{{Inside: 0, Outside: 1000, Count: 1}}, "0 inside is 1000 on the host (1 id)"},
		{[]inspect.IDRange{{Inside: 5, Outside: 5, Count: 2}}, "5–6 inside are the same on the host (2 ids)"},
		{[]inspect.IDRange{{Inside: 0, Outside: math.MaxUint32, Count: 10}}, "0–9 inside are nothing on the host (10 ids)"},
		{[]inspect.IDRange{{Inside: 0, Outside: 1, Count: math.MaxUint32}}, "0–4294967294 inside are 1–4294967295 on the host (4294967295 ids)"},
		{[]inspect.IDRange{{Outside: 1000, Count: 1}, {Inside: 1, Outside: 100000, Count: 65536}}, "0 inside is 1000 on the host (1 id)\n1–65536 inside are 100000–165535 on the host (65536 ids)"},
	} {
		if got := strings.Join(MapWords(tt.ranges, "the host"), "\n"); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.ranges, got, tt.want)
		}
	}
}

func TestOffsetWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                       "none",
		-604800 * time.Second:   "7d back (-604800s)",
		90 * time.Minute:        "1h 30m forward (+5400s)",
		1500 * time.Millisecond: "1s forward (+1.5s)",
	} {
		if got := OffsetWords(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
	if got := OffsetWords(math.MinInt64); !strings.HasPrefix(got, "106751d 23h back") {
		t.Errorf("the longest way back: %q", got)
	}
}

func TestDurationWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 20 * time.Millisecond: "20ms", 59 * time.Second: "59s", 60 * time.Second: "1m", 61 * time.Second: "1m 1s",
		2*time.Hour + 3*time.Minute + 4*time.Second: "2h 3m", 24 * time.Hour: "1d", 49*time.Hour + 59*time.Second: "2d 1h",
	} {
		if got := DurationWords(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestCapNames(t *testing.T) {
	if got := strings.Join(CapNames(1|1<<21|1<<40|1<<63), " "); got != "chown sys_admin checkpoint_restore cap_63" {
		t.Error(got)
	}
	if n := len(CapNames(math.MaxUint64)); n != 64 {
		t.Errorf("%d names of 64 bits", n)
	}
}
