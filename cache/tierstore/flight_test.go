package tierstore

import (
	"strings"
	"testing"
)

// A read that ends is "newest" or "old". Of the words that a step has, the last is the name of a read, or the key.
func TestAReadMayBeKeptOnlyIfNothingIsKnownToBeNewer(t *testing.T) {
	for _, tc := range []struct{ rule, steps string }{
		{"a read by itself", "begin 1; newest 1"},
		{"one after another", "begin 1; newest 1; begin 2; newest 2"},
		{"the key has changed meanwhile", "begin 1; changed key; old 1"},
		{"the key changed before", "changed key; begin 1; newest 1"},
		{"another key has changed", "begin 1; changed another; newest 1"},
		{"the change came while an older read was under way", "begin 1; changed key; begin 2; newest 2; old 1"},
		{"another read has ended meanwhile, which may have begun later", "begin 1; begin 2; newest 2; old 1"},
		{"another read has ended meanwhile, which began earlier", "begin 1; begin 2; newest 1; old 2"},
		{"what has ended was old itself", "begin 1; changed key; begin 2; old 1; old 2"},
		{"a read that begins when another has ended", "begin 1; begin 2; newest 1; begin 3; old 2; old 3"},
		{"a write has begun meanwhile", "begin 1; write key; old 1; written key"},
		{"a write has come and gone meanwhile", "begin 1; write key; written key; old 1"},
		{"a write is under way all the time", "write key; begin 1; old 1; written key"},
		{"a write has ended meanwhile", "write key; begin 1; written key; old 1"},
		{"one of two writes has ended", "write key; write key; written key; begin 1; old 1; written key"},
		{"all writes have ended before", "write key; write key; written key; written key; begin 1; newest 1"},
		{"another key is written", "write another; begin 1; newest 1; written another"},
		{"all was forgotten meanwhile", "begin 1; reset; old 1"},
		{"all was forgotten before", "reset; begin 1; newest 1"},
		{"a Clear has begun meanwhile", "begin 1; close; old 1; open"},
		{"a Clear is under way all the time", "close; begin 1; old 1; open"},
		{"a Clear has ended meanwhile", "close; begin 1; open; old 1"},
		{"one of two Clears has ended", "close; close; open; begin 1; old 1; open"},
		{"all Clears have ended before", "close; close; open; open; begin 1; newest 1"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			f := newFlights()
			reads := make(map[string]ticket)
			dropped := 0
			drop := func(string) { dropped++ }
			end := func(name string) (newest bool) {
				reads[name].end(func(n bool) { newest = n })
				return newest
			}
			drops := 0
			for step := range strings.SplitSeq(tc.steps, "; ") {
				what, name, _ := strings.Cut(step, " ")
				switch what {
				case "begin":
					reads[name] = f.read("key")
				case "newest", "old":
					if got := end(name); got != (what == "newest") {
						t.Errorf("read %s in %q is the newest: %t", name, tc.steps, got)
					}
				case "write":
					f.beginWrite(name, drop)
					drops++
				case "written":
					f.endWrite(name)
				case "changed":
					f.changed(name, drop)
					drops++
				case "reset":
					f.reset()
				case "close":
					f.close()
				case "open":
					f.open()
				default:
					t.Fatalf("a step %q", step)
				}
			}
			if dropped != drops {
				t.Errorf("%d times something was dropped; want %d", dropped, drops)
			}
			for i := range f.shards {
				if n := len(f.shards[i].keys); n > 0 || f.shards[i].closed > 0 {
					t.Errorf("%d keys remain, and %d Clears", n, f.shards[i].closed)
				}
			}
		})
	}
}
