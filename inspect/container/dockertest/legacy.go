package dockertest

import (
	"os"
	"path/filepath"
)

// legacyTools are the programs of the older iptables, by the names by which
// Docker runs them.
var legacyTools = map[string]string{"iptables": "iptables-legacy", "ip6tables": "ip6tables-legacy"}

// noLegacy says what is missing of the older iptables.
func noLegacy() string {
	for _, name := range legacyTools {
		if find(name) == "" {
			return name + " (apt-get install iptables)"
		}
	}
	// Where the kernel lists tables it has the module. Docker would load it.
	if _, err := os.Stat("/proc/net/ip_tables_names"); err != nil {
		return "a kernel with ip_tables"
	}
	return ""
}

// legacyPrograms makes a directory in which iptables is the older one.
func legacyPrograms(parent string) (string, error) {
	dir := filepath.Join(parent, "legacy")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	for name, target := range legacyTools {
		if err := os.Symlink(find(target), filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	return dir, nil
}
