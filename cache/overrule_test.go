package cache_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

func TestAWriteWaitsForALoadThatIsStoringThoughItsLastCallerHasLeft(t *testing.T) {
	for _, w := range writes() {
		for _, p := range policies() {
			t.Run(fmt.Sprintf("%s, %+v", w.name, p), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, s := overGates(t)
					open := s.shut("loaded")
					ctx, leave := context.WithCancel(t.Context())
					a := ask(ctx, c, "k", p, loads("loaded"))
					leave()
					a.failed(t, context.Canceled)
					under := w.begin(t.Context(), c)
					under.waits(t)
					open()
					under.ends(t, nil)
					synctest.Wait()
					w.isThere(t, c)
				})
			})
		}
	}
}

func TestWhatALoadStoresIsDeletedForAWriterWhoCouldNotWait(t *testing.T) {
	for _, w := range append(writes(), anAdd()) {
		for _, p := range policies() {
			t.Run(fmt.Sprintf("%s, %+v", w.name, p), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, s := overGates(t)
					open := s.shut("loaded")
					a := ask(t.Context(), c, "k", p, loads("loaded"))
					ctx, cancel := context.WithTimeout(t.Context(), timeout/2)
					defer cancel()
					w.begin(ctx, c).ends(t, context.DeadlineExceeded)
					open()
					a.got(t, "loaded")
					synctest.Wait()
					wantAbsent(t, c, "k")
				})
			})
		}
	}
}

func TestTheSecondWriterWaitsTooAndWhatHeWritesStays(t *testing.T) {
	for _, w := range append(writes(), anAdd()) {
		for name, gaveUp := range map[string]bool{"while the first waits": false, "after the first gave up": true} {
			t.Run(w.name+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, s := overGates(t)
					open := s.shut("loaded")
					a := ask(t.Context(), c, "k", cache.Policy{}, loads("loaded"))
					ctx, cancel := context.WithTimeout(t.Context(), timeout/2)
					defer cancel()
					first := aDelete().begin(ctx, c)
					if gaveUp {
						first.ends(t, context.DeadlineExceeded)
					}
					second := w.begin(t.Context(), c)
					first.ends(t, context.DeadlineExceeded)
					second.waits(t)
					open()
					second.ends(t, nil)
					a.got(t, "loaded")
					synctest.Wait()
					w.isThere(t, c)
				})
			})
		}
	}
}

func TestALoadThatBeginsDuringAWriteDoesNotOverwriteIt(t *testing.T) {
	for _, w := range append(writes(), anAdd()) {
		if w.gone {
			continue // nothing of it is on its way to the store
		}
		for _, p := range policies() {
			t.Run(fmt.Sprintf("%s, %+v", w.name, p), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, gates := overGates(t)
					open := gates.shut("written")
					under, s := w.begin(t.Context(), c), newSource()
					a := ask(t.Context(), c, "k", p, s.load)
					open()
					under.ends(t, nil)
					w.isThere(t, c)
					s.answer <- outcome{value: "loaded"}
					a.got(t, "loaded")
					synctest.Wait()
					w.isThere(t, c)
				})
			})
		}
	}
}

func TestALoadThatBeginsAndEndsDuringASetManyDoesNotOverwriteIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, gates := overGates(t)
		open, openLast := gates.shut("written"), gates.shut("last")
		w := aSetMany()
		under, s := w.begin(t.Context(), c), newSource()
		a := ask(t.Context(), c, "k", cache.Policy{}, s.load)
		open()
		synctest.Wait()
		w.isThere(t, c)
		s.answer <- outcome{value: "loaded"}
		a.got(t, "loaded")
		synctest.Wait()
		w.isThere(t, c)
		under.waits(t)
		openLast()
		under.ends(t, nil)
		w.isThere(t, c)
	})
}

func TestInvalidateTagsDoesNotWaitForALoadThatIsStoringAndNothingOldIsVisible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := overGates(t)
		p := cache.Policy{Tags: []string{"tag"}}
		stored(t, c, "other", p, "value")
		open := s.shut("loaded")
		a := ask(t.Context(), c, "k", p, loads("loaded"))
		ctx, cancel := context.WithTimeout(t.Context(), timeout/2)
		defer cancel()
		if err := c.InvalidateTags(ctx, "tag"); err != nil {
			t.Errorf("InvalidateTags: %v; want nil", err)
		}
		ask(t.Context(), c, "k", p, loads("new")).got(t, "new") // and does not join the load
		open()
		a.got(t, "loaded")
		synctest.Wait()
		wantStored(t, c, "k", "new") // stored when what was loaded before had been
		wantAbsent(t, c, "other")
	})
}

func TestWhatATouchDeletesDuringALoadStaysDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := inMemory(t, nil), newSource()
		typed, err := cache.For[string](c, "n", cache.Policy{}, cache.WithSchema(2))
		if err != nil {
			t.Fatal(err)
		}
		n := typed.Cache()
		if err := n.Set(t.Context(), "k", []byte(`"plain"`), time.Hour); err != nil { // there for Touch, and absent for the schema
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if v, err := typed.GetOrLoad(t.Context(), "k", s.load); v != "loaded" || err != nil {
				t.Errorf("GetOrLoad = %q, %v; want what was loaded", v, err)
			}
		}()
		<-s.began
		if found, err := n.Touch(t.Context(), "k", 0); !found || err != nil {
			t.Errorf("Touch = %t, %v; want that it deleted the entry", found, err)
		}
		s.answer <- outcome{value: "loaded"}
		<-done
		synctest.Wait()
		wantAbsent(t, n, "k")
	})
}
