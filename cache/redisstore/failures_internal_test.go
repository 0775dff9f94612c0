package redisstore

import (
	"fmt"
	"testing"
)

func TestNamespaceOf(t *testing.T) {
	for key, want := range map[string]string{
		"k": "", "a:k": "", "@@k": "", "@": "", "@a": "", "@a:k": "@a:", "@a:@b:k": "@a:@b:", "@a:@@k": "@a:", "@a:": "@a:", "@a:@": "@a:", "": "",
	} {
		if got := namespaceOf(key); got != want {
			t.Errorf("namespaceOf(%q) = %q; want %q", key, got, want)
		}
	}
}

func TestTheRoundTripsOfADrainAddUp(t *testing.T) {
	f := newFailures()
	left := func() int { _, rounds := f.undrained(f.drainOf(nil)); return rounds }
	if left() != 0 {
		t.Errorf("%d round trips to make before any failure; want 0", left())
	}
	f.noteKey("a", true)
	sent, _ := f.undrained(f.drainOf(nil))
	for range 5 {
		f.drainedOnce(f.drainOf(nil), sent) // of operations that had time for no more
	}
	f.noteKey("b", false)
	if got, want := left(), drainRounds-5; got != want {
		t.Errorf("%d left after 5 and a failure that had sent nothing; want %d", got, want)
	}
	f.noteKey("c", true)
	if left() != drainRounds {
		t.Errorf("%d left after another command that had been sent; want %d", left(), drainRounds)
	}
	f.drainedOnce(f.drainOf(nil), sent)
	if left() != drainRounds {
		t.Errorf("%d left; want %d: a round trip begun before the failure proves nothing about it", left(), drainRounds)
	}
	sent, _ = f.undrained(f.drainOf(nil))
	for range 2 * drainRounds {
		f.drainedOnce(f.drainOf(nil), sent)
	}
	if left() != 0 {
		t.Errorf("%d left after enough of them; want 0", left())
	}
}

func TestAMarkOutlivesADeletionThatIsUnderWay(t *testing.T) {
	for _, tc := range []struct {
		name string
		drop func(f *failures)
	}{
		{"though a Clear has been faster", func(f *failures) { f.forgetBelow("", f.last(), nil) }},
		{"though there are too many keys", func(f *failures) {
			for i := range maxFailedKeys {
				f.noteKey(fmt.Sprint("other", i), false)
			}
		}},
		{"though there are too many prefixes", func(f *failures) {
			for i := range maxFailedPrefixes {
				f.notePrefix(fmt.Sprintf("@%d:", i))
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFailures()
			f.noteKey("key", true)
			f.notePrefix("@a:")
			key := f.key("key")
			_, prefix := f.prefixOf("@a:k")
			key.turn <- struct{}{}
			prefix.turn <- struct{}{}
			tc.drop(f)
			if f.key("key") != key || !f.clearing("@a:", prefix) {
				t.Error("a mark is gone while what it stands for is being deleted")
			}
			<-key.turn
			<-prefix.turn
			f.forgetBelow("", f.last(), nil)
			if f.any() {
				t.Error("marks are left that nobody holds")
			}
		})
	}
}

func TestAFailureSinceKeepsTheMark(t *testing.T) {
	f := newFailures()
	f.noteKey("key", true)
	serial, _ := f.standing("key", f.key("key"))
	f.noteKey("key", true)
	f.forgetKey("key", serial)
	if f.key("key") == nil {
		t.Error("the mark of a write that failed during the deletion is gone")
	}
	serial, _ = f.standing("key", f.key("key"))
	f.forgetKey("key", serial)
	if f.any() {
		t.Error("a mark is left after the deletion")
	}
}

func TestThereIsABoundToWhatIsRemembered(t *testing.T) {
	f := newFailures()
	for i := range 3 * maxFailedKeys {
		f.noteKey(fmt.Sprintf("@ns%d:key%d", i%3, i), false)
		f.notePrefix(fmt.Sprintf("@p%d:", i))
		if len(f.keys) > maxFailedKeys || len(f.prefixes) > maxFailedPrefixes {
			t.Fatalf("%d keys and %d prefixes are remembered; want at most %d and %d", len(f.keys), len(f.prefixes), maxFailedKeys, maxFailedPrefixes)
		}
	}
	if f.marks.Load() != int64(len(f.keys)+len(f.prefixes)) {
		t.Errorf("%d marks counted; there are %d", f.marks.Load(), len(f.keys)+len(f.prefixes))
	}
	if _, m := f.prefixOf("@ns1:key1"); m == nil && f.key("@ns1:key1") == nil {
		t.Error("a failed key is covered by nothing")
	}
}
