package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nsinspect/inspect/live/livetest"
)

// crowd is a host made of namespaces: n containers' worth of network
// namespaces on one bridge, seen from a pid namespace in which nothing else
// is.
type crowd struct {
	n   int
	pid string // of a process in it
}

// crowdScript makes one; $1 is how many, $2 the file that says when it is ready.
const crowdScript = `set -e
mount --make-rprivate /; mount -t tmpfs tmpfs /run; mkdir -p /run/netns
ip link set lo up; ip link add br0 type bridge; ip link set br0 up; ip addr add 10.1.0.1/16 dev br0
for i in $(seq $1); do ip netns add n$i; done
for i in $(seq $1); do echo "link add p$i type veth peer name eth0 netns n$i"; echo "link set p$i master br0 up"; done | ip -batch -
for i in $(seq $1); do printf 'link set eth0 up\naddr add 10.1.%d.%d/16 dev eth0\nroute add default via 10.1.0.1\n' $((i/250+1)) $((i%250+1)) | ip -n n$i -batch -; done
touch $2; exec sleep 100000`

func newCrowd(b *testing.B, n int) *crowd {
	b.Helper()
	livetest.Root(b)
	ready := filepath.Join(b.TempDir(), "ready")
	cmd := exec.Command("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", crowdScript, "sh", fmt.Sprint(n), ready)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for {
		if _, err := os.Stat(ready); err == nil {
			break
		}
		if cmd.ProcessState != nil {
			b.Fatal("the crowd could not be made")
		}
		time.Sleep(20 * time.Millisecond)
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	return &crowd{n, strings.TrimSpace(string(children))}
}

// time runs a command in the crowd's namespaces.
func (c *crowd) time(b *testing.B, args ...string) time.Duration {
	b.Helper()
	cmd := exec.Command("nsenter", append([]string{"--target=" + c.pid, "--net", "--mount", "--pid"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "DOCKER_HOST=unix:///nonexistent"}
	start := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("%v: %v", args, err)
	}
	return time.Since(start)
}

// BenchmarkGraph compares, in the same run: graph with ls, and with a loop
// that runs ip(8) in every namespace. Each number is the median of its runs.
func BenchmarkGraph(b *testing.B) {
	for _, n := range []int{150, 300, 600} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := newCrowd(b, n)
			loop := fmt.Sprintf("for i in $(seq %d); do ip -n n$i -d -j link; done >/dev/null", n)
			var ls, graph, ip []time.Duration
			for b.Loop() {
				for range 5 {
					ls = append(ls, c.time(b, binary, "ls"))
					graph = append(graph, c.time(b, binary, "graph"))
				}
				ip = append(ip, c.time(b, "sh", "-c", loop))
			}
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
			g, l, p := median(graph), median(ls), median(ip)
			b.ReportMetric(ms(g), "graph-ms")
			b.ReportMetric(ms(l), "ls-ms")
			b.ReportMetric(ms(g-l), "more-than-ls-ms")
			b.ReportMetric(ms(p), "ip-loop-ms")
			b.ReportMetric(float64(p)/float64(g), "ip-loop/graph")
			b.ReportMetric(ms(g)*1000/float64(n), "µs/namespace")
		})
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
