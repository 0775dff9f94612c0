package lineartest

import (
	"maps"
	"slices"
	"testing"

	"github.com/larder-go/larder/cache"
)

func TestNoTwoOperationsStoreTheSame(t *testing.T) {
	by := make(map[string]operation)
	for _, history := range recorded(t, Config{Processes: []*cache.Cache{over(t, memory(t))}}) {
		for _, o := range history {
			if other, twice := by[o.value]; twice {
				t.Errorf("%s and %s", o.String(), other.String())
			}
			if o.value != "" {
				by[o.value] = o
			}
		}
	}
	if len(by) < 30 {
		t.Errorf("%d operations stored something; want many", len(by))
	}
}

// A history in which an operation is never made, or always has the same answer, proves little.
func TestEveryOperationHasEveryAnswer(t *testing.T) {
	got := make(map[string]bool)
	for range 30 {
		for _, history := range recorded(t, Config{Processes: []*cache.Cache{over(t, memory(t))}}) {
			for _, o := range history {
				got[o.method+class(o)] = true
			}
		}
	}
	want := []string{"Set", "Set, KeepTTL", "SetMany", "Delete", "DeleteMany", "Clear", "Increment", "Increment: not an integer", "Increment: overflow"}
	for _, method := range []string{
		"Get", "GetAppend", "GetAndRenew", "GetMany", "Exists", "Touch", "TTL", "Add", "CompareAndSwap", "CompareAndDelete",
	} {
		want = append(want, method+": yes", method+": no")
	}
	if got, want := slices.Sorted(maps.Keys(got)), slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
		t.Errorf("the answers are\n%q\nwant\n%q", got, want)
	}
}

func class(o operation) string {
	switch {
	case o.answer.refused != none:
		return answer{refused: o.answer.refused}.text(o.kind)
	case o.kind == set || o.kind == setKeep || o.kind == remove || o.kind == clearing || o.kind == increment:
		return ""
	case o.answer.found:
		return ": yes"
	}
	return ": no"
}

// plain is a store without capabilities.
type plain struct{ cache.Store }

func TestWhatAStoreDoesNotSupportIsNotRecorded(t *testing.T) {
	c, err := cache.New(plain{memory(t)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, history := range recorded(t, Config{Processes: []*cache.Cache{c}}) {
		for _, o := range history {
			if o.kind == add || o.kind == increment || o.kind == swap || o.kind == removeOld {
				t.Errorf("%s; want none of a store without it", o.String())
			}
		}
	}
}

func recorded(t *testing.T, c Config) map[string][]operation {
	t.Helper()
	h, err := newRecorder(c, 0).record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h
}
