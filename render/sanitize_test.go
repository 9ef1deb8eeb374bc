package render

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSanitize(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"nginx: worker process":    "nginx: worker process",
		"\x1b]0;pwn\x07":           `\x1b]0;pwn\x07`,
		"a\nb\r\tc\x00\x7f":        `a\nb\r\tc\x00\x7f`,
		"\u009b31m\u0085":          `\u009b31m\u0085`,
		"\x9b\xff\xc3":             `\x9b\xff\xc3`,
		"\u202egpj.exe\u2066x":     `\u202egpj.exe\u2066x`,
		"a\u200bb\u200d\ufeff":     `a\u200bb\u200d\ufeff`,
		"\u2028\u2029\u00a0\u00ad": `\u2028\u2029\u00a0\u00ad`,
		"\U000e0041tag":            `\U000e0041tag`,
		"blank \u3164\u2800\u115f": `blank \u3164\u2800\u115f`,
		"heart \u2764\ufe0f":       "heart \u2764" + `\ufe0f`,
		"日本語 größe e\u0301 हिन्दी":  "日本語 größe e\u0301 हिन्दी",
		"z\u0301\u0301\u0301\u0301": "z\u0301\u0301\u0301" + `\u0301`,
		"\u0301 1\u0301":            `\u0301 1\u0301`,
		"a\u20dd":                   `a\u20dd`,
		`dev-disk\x2dlabel "q"`:     `dev-disk\x2dlabel "q"`,
		"\ufffd":                    "\ufffd",
		"\ue000":                    `\ue000`,
	} {
		if got := Sanitize(in); got != want {
			t.Errorf("Sanitize(%+q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzSanitize holds what Sanitize promises, with other tables than it uses.
func FuzzSanitize(f *testing.F) {
	for _, s := range []string{
		"web1", "\x1b[31m", "a\u202eb", "\xff\xfe", "e\u0301\u0301\u0301\u0301", `\x1b`, "\U000e0001\U0001f600", "\u115f\u0600\u200d",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Sanitize(s)
		if !utf8.ValidString(got) {
			t.Errorf("%+q is not UTF-8", got)
		}
		if len(got) > 4*len(s) {
			t.Errorf("%d bytes from %d", len(got), len(s))
		}
		for _, r := range got {
			if isHarmful(r) {
				t.Errorf("%+q lets %U through", got, r)
			}
		}
		if again := Sanitize(got); again != got {
			t.Errorf("not idempotent: %+q, then %+q", got, again)
		}
		if strings.Contains(s, `\`) {
			return
		}
		back, err := strconv.Unquote(`"` + strings.ReplaceAll(got, `"`, `\"`) + `"`)
		if err != nil || back != s {
			t.Errorf("%+q reads back as %+q (%v), want %+q", got, back, err, s)
		}
	})
}

func isHarmful(r rune) bool {
	return unicode.IsControl(r) || r != ' ' && unicode.IsSpace(r) ||
		unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Bidi_Control, unicode.Join_Control,
			unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point)
}

func BenchmarkSanitize(b *testing.B) {
	for name, s := range map[string]string{"plain": "containerd-shim-runc-v2", "hostile": "\x1b]0;pwn\x07\u202e日本語"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Sanitize(s)
			}
		})
	}
}
