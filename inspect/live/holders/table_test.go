package holders

import "testing"

func TestExiting(t *testing.T) {
	for stat, want := range map[string]bool{
		"28 (livetest) Z 5 28 5 0 -1 4227084 0 0 0 0\n":          true,  // zombie
		"28 (exe) R 5 28 5 0 -1 4194372 0 0 0 0\n":               true,  // about to be one
		"28 (exe) S 5 28 5 0 -1 4194304 0 0 0 0\n":               false, // at work
		"28 () Z 5 28 5 0 -1 4 0) S 5 28 5 0 -1 4194304 0 0 0\n": false, // called like a zombie
		"": false, "28 (exe": false, "28 (exe) S 5\n": false,
	} {
		if got := exiting([]byte(stat)); got != want {
			t.Errorf("%q: %t, want %t", stat, got, want)
		}
	}
}
