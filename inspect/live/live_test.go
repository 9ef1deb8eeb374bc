package live_test

import (
	"bytes"
	"os"
	"testing"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
)

func TestCollectSeesItself(t *testing.T) {
	s, err := live.Collect(t.Context(), live.Options{Facts: taskFacts})
	if err != nil {
		t.Fatal(err)
	}
	x := inspect.NewIndex(s)
	self := x.Process(os.Getpid())
	if self == nil || self.Info == nil {
		t.Fatalf("own process %d is missing in %d processes", os.Getpid(), len(s.Processes))
	}
	for _, typ := range inspect.Types {
		id := self.NS.Of(typ)
		if ns := x.Namespace(id); ns == nil || ns.Type != typ {
			t.Errorf("%s namespace %s of own process: %+v", typ, id, ns)
		}
	}
	var b bytes.Buffer
	if err := inspect.Encode(&b, s); err != nil {
		t.Fatal(err)
	}
}
