package wire

import (
	"bytes"
	"testing"
)

// flowMessage is a message of ctnetlink for 192.0.2.1:40999 → 192.0.2.10:5353
// over UDP that 172.17.0.2:53 answers: nfgenmsg, CTA_TUPLE_ORIG,
// CTA_TUPLE_REPLY.
var flowMessage = []byte("\x02\x00\x00\x00" +
	"\x34\x00\x01\x80\x14\x00\x01\x80\x08\x00\x01\x00\xc0\x00\x02\x01\x08\x00\x02\x00\xc0\x00\x02\x0a" +
	"\x1c\x00\x02\x80\x05\x00\x01\x00\x11\x00\x00\x00\x06\x00\x02\x00\xa0\x27\x00\x00\x06\x00\x03\x00\x14\xe9\x00\x00" +
	"\x34\x00\x02\x80\x14\x00\x01\x80\x08\x00\x01\x00\xac\x11\x00\x02\x08\x00\x02\x00\xc0\x00\x02\x01" +
	"\x1c\x00\x02\x80\x05\x00\x01\x00\x11\x00\x00\x00\x06\x00\x02\x00\x00\x35\x00\x00\x06\x00\x03\x00\xa0\x27\x00\x00")

func TestParseFlow(t *testing.T) {
	f, ok, err := parseFlow(flowMessage)
	if err != nil || !ok || f.Src.String() != "192.0.2.1:40999" || f.Dst.String() != "192.0.2.10:5353" || f.From.String() != "172.17.0.2:53" {
		t.Errorf("%+v, %v, %v", f, ok, err)
	}
	tcp := bytes.ReplaceAll(flowMessage, []byte{5, 0, 1, 0, 17}, []byte{5, 0, 1, 0, 6})
	if f, ok, err := parseFlow(tcp); ok || err != nil {
		t.Errorf("tcp: %+v, %v, %v", f, ok, err)
	}
}

// FuzzParseFlow holds that what is taken for a flow has all its addresses,
// and that nothing else panics.
func FuzzParseFlow(f *testing.F) {
	f.Add(flowMessage)
	f.Add(flowMessage[:60])
	f.Fuzz(func(t *testing.T, b []byte) {
		v, ok, err := parseFlow(b)
		if ok && err == nil && !(v.Src.IsValid() && v.Dst.IsValid() && v.From.IsValid()) {
			t.Errorf("%x: %+v", b, v)
		}
	})
}
