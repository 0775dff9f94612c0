package main

import (
	"context"
	"testing"
)

func TestAStampederLoadsOnceAndGivesEachCallerAValueOfHisOwn(t *testing.T) {
	server := ownServer(t)
	all, end, err := stampeders(server)
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		loads := 0
		load := func(context.Context) ([]byte, error) {
			loads++
			return []byte("value"), nil
		}
		for range 3 {
			value, err := c.get(t.Context(), "key", load)
			if err != nil || string(value) != "value" {
				t.Fatalf("%s: %q, %v", c.name, value, err)
			}
			value[0] = 'V'
		}
		if loads != 1 {
			t.Errorf("%s: %d loads of a key that is there after the first", c.name, loads)
		}
	}
}
