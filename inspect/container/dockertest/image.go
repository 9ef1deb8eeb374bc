package dockertest

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Image is the one image that the daemon has: busybox, which sleeps for as
// long as any test.
const Image = "nsinspect/busybox:1"

// applets are the commands of the image.
var applets = []string{
	"cat", "echo", "hostname", "httpd", "id", "ip", "kill", "ls", "mount", "nc", "ps", "sh", "sleep", "true", "unshare", "wget",
}

// importImage makes the image from the machine's static busybox.
func (d *Daemon) importImage() error {
	archive, err := imageArchive(d.tools.busybox)
	if err != nil {
		return err
	}
	cmd := d.command("import", "--change", `CMD ["sleep","86400"]`, "-", Image)
	cmd.Stdin = archive
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("docker import: %w: %s", err, out)
	}
	return nil
}

func imageArchive(busybox string) (*bytes.Buffer, error) {
	data, err := os.ReadFile(busybox)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, dir := range []string{"bin/", "tmp/", "etc/"} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
			return nil, err
		}
	}
	if err := w.WriteHeader(&tar.Header{Name: "bin/busybox", Mode: 0o755, Size: int64(len(data))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	for _, name := range applets {
		link := &tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + name, Linkname: "busybox", Mode: 0o777}
		if err := w.WriteHeader(link); err != nil {
			return nil, err
		}
	}
	return &b, w.Close()
}

// tools are the programs of the machine that are needed.
type tools struct{ dockerd, docker, busybox string }

// searchPath has the directories of daemons, which a user's PATH may lack.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// findTools returns the tools, or what is missing and how to get it.
func findTools() (tools, string) {
	t := tools{dockerd: find("dockerd"), docker: find("docker"), busybox: find("busybox")}
	switch {
	case t.dockerd == "":
		return t, "dockerd (apt-get install docker.io)"
	case t.docker == "":
		return t, "docker (apt-get install docker.io docker-cli)"
	case find("iptables") == "":
		return t, "iptables (apt-get install iptables)"
	case t.busybox == "" || !static(t.busybox):
		return t, "a static busybox (apt-get install busybox-static)"
	}
	return t, ""
}

func find(name string) string {
	for _, dir := range filepath.SplitList(searchPath) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return ""
}

// static reports whether a program needs no other file.
func static(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return false
		}
	}
	return true
}
