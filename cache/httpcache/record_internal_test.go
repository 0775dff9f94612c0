package httpcache

import (
	"reflect"
	"testing"
	"time"
)

// FuzzWhatIsReadIsWhatWasWritten feeds the readers heads that no damage to a sound record makes, for its checksum is right.
func FuzzWhatIsReadIsWhatWasWritten(f *testing.F) {
	moment := time.Unix(0, 1)
	p := &response{
		key: "u", variant: "v", nonce: "n", status: 200, fields: []field{{name: "A", line: "b"}, {name: "A", line: "c", more: true}}, terms: terms{lifetime: time.Second, explicit: true},
		asked: moment, came: moment, age: 1, marks: []mark{{"k", "1"}},
	}
	x := &index{key: "u", nonce: "n", names: []string{"Accept"}, variants: map[string]time.Time{"v": moment}}
	lease, _ := newLease()
	for _, record := range [][]byte{p.encode(), x.encode(), lease, encodeMark("1", moment)} {
		_, head, _, ok := open(record)
		if !ok {
			f.Fatal("a record that is none")
		}
		f.Add(head)
	}
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, head []byte) {
		var p response
		if p.decode(head, nil) {
			_, written, _, ok := open(p.encode())
			var again response
			if !ok || !again.decode(written, nil) || !reflect.DeepEqual(again, p) {
				t.Errorf("%+v is read as %+v", p, again)
			}
		}
		if x, ok := decodeIndex(head); ok {
			_, written, _, ok := open(x.encode())
			if again, read := decodeIndex(written); !ok || !read || !reflect.DeepEqual(again, x) {
				t.Errorf("%+v is read as %+v", x, again)
			}
		}
	})
}
