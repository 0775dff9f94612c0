package redisstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/wait"
)

func wantAnswer(t *testing.T, a answer, value string) {
	t.Helper()
	if a.Value != value || a.Err != "" {
		t.Errorf("GetOrLoad = %q, %s; want %q", a.Value, a.Err, value)
	}
}

// instances are several at once.
func (f *service) instances(t *testing.T, n int) (all []*instance) {
	t.Helper()
	for i := range n {
		all = append(all, f.start(t, fmt.Sprint("instance", i)))
	}
	return all
}

func TestAColdKeyIsOneLoadAmongAllProcesses(t *testing.T) {
	t.Parallel()
	f := newService(t)
	const callers = 25
	all := f.instances(t, 4)
	q := question{Key: "key", Policy: cache.Policy{Exclusive: time.Minute}, Callers: callers}
	for _, i := range all {
		i.ask(t, q)
	}
	f.loading(t, "key", 1)
	// Who waits for another's lease reads the entry again and again: all have come to that when Redis has seen many of them.
	before := reads(t, f)
	wait.Until(t, func() bool { return reads(t, f) > before+100 })
	for _, i := range all {
		f.push(t, i.name, "key", "value")
	}
	for _, i := range all {
		i.gets(t, callers, "value")
	}
	f.wantCalls(t, "key", 1)
	answers := f.asks(q)
	for range callers {
		wantAnswer(t, <-answers, "value")
	}
	f.wantCalls(t, "key", 1)
}

// reads is how many commands the server has executed that read entries.
func reads(t *testing.T, f *service) int {
	t.Helper()
	return calls(t, f.client, "get") + calls(t, f.client, "mget")
}

func TestAHolderThatIsKilledDelaysTheOthersByItsLeaseAtMost(t *testing.T) {
	t.Parallel()
	const lease = 2 * time.Second
	f := newService(t)
	holder, other := f.start(t, "holder"), f.start(t, "other")
	q := question{Key: "key", Policy: cache.Policy{Exclusive: lease}, Callers: 5}
	holder.ask(t, q)
	f.loading(t, "key", 1)
	begun := time.Now()
	q.Policy.Exclusive = time.Minute // whose own loads may take longer
	other.ask(t, q)
	answers := f.asks(q)
	for _, name := range []string{"other", "here"} {
		f.push(t, name, "key", "value")
	}
	holder.kill(t)
	other.gets(t, q.Callers, "value")
	for range q.Callers {
		wantAnswer(t, <-answers, "value")
	}
	if took := time.Since(begun); took > lease+10*time.Second {
		t.Errorf("the others had the value after %v; want the lease, %v", took, lease)
	}
	f.wantCalls(t, "key", 2)
}

func TestAWaiterForAnotherProcessLeavesOnItsContext(t *testing.T) {
	t.Parallel()
	f := newService(t)
	holder, other := f.start(t, "holder"), f.start(t, "other")
	q := question{Key: "key", Policy: cache.Policy{Exclusive: time.Minute}, Callers: 1}
	holder.ask(t, q)
	f.loading(t, "key", 1)
	begun := time.Now()
	q.Callers, q.Patience = 10, 100*time.Millisecond
	other.ask(t, q)
	answers := f.asks(q)
	for range q.Callers {
		for name, a := range map[string]answer{"other": other.answer(t), "here": <-answers} {
			if !a.TooLate || a.Value != "" {
				t.Errorf("%s: GetOrLoad = %q, %s; want context.DeadlineExceeded", name, a.Value, a.Err)
			}
		}
	}
	if took := time.Since(begun); took < q.Patience || took > 10*time.Second {
		t.Errorf("it took %v; want %v", took, q.Patience)
	}
	f.wantCalls(t, "key", 1)
	f.push(t, "holder", "key", "value") // whom it does not concern
	holder.gets(t, 1, "value")
}

func TestWhatALoaderReturnsBeyondItsLeaseIsNotStored(t *testing.T) {
	t.Parallel()
	for _, p := range []cache.Policy{
		{}, {StaleFor: time.Hour}, {StaleIfError: time.Hour}, {Tags: []string{"tag"}}, {NegativeTTL: time.Hour},
	} {
		p.Exclusive = 500 * time.Millisecond
		t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			holder := f.start(t, "holder")
			holder.ask(t, question{Key: "key", Policy: p, Callers: 1, Stubborn: true})
			f.loading(t, "key", 1)
			if a := holder.answer(t); !a.TooLate {
				t.Errorf("the holder's caller got %q, %s; want context.DeadlineExceeded", a.Value, a.Err)
			}
			f.push(t, "here", "key", "new")
			p.Exclusive = time.Minute // whose own load may take longer
			wantAnswer(t, <-f.asks(question{Key: "key", Policy: p, Callers: 1}), "new")
			f.push(t, "holder", "key", "old")
			f.holds(t, holder, "key", "new")
			f.wantCalls(t, "key", 2)
		})
	}
}

// holds checks that key has value, "" for none, once the loader of i has taken its answer and i has dealt with it, as it has with a whole load that comes later.
func (f *service) holds(t *testing.T, i *instance, key, value string) {
	t.Helper()
	wait.Until(t, func() bool { return f.client.Exists(t.Context(), answersTo(i.name, key)).Val() == 0 })
	for n := range 20 {
		later := fmt.Sprint("later", n)
		f.push(t, i.name, later, later)
		i.ask(t, question{Key: later, Policy: cache.Policy{Exclusive: time.Minute}, Callers: 1})
		i.gets(t, 1, later)
		if got, found, err := f.c.Get(t.Context(), key); string(got) != value || found != (value != "") || err != nil {
			t.Fatalf("Get = %q, %t, %v; want %q", got, found, err, value)
		}
	}
}

func TestAnOldRowIsNotStoredAfterAnotherProcessHasInvalidatedIt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		invalidate func(ctx context.Context, c *cache.Cache) error
		left       string
	}{
		{"Set", func(ctx context.Context, c *cache.Cache) error { return c.Set(ctx, "key", []byte("new"), time.Hour) }, "new"},
		{"SetMany", func(ctx context.Context, c *cache.Cache) error {
			return c.SetMany(ctx, map[string][]byte{"key": []byte("new"), "k": nil}, time.Hour)
		}, "new"},
		{"Delete", func(ctx context.Context, c *cache.Cache) error { return c.Delete(ctx, "key") }, ""},
		{"DeleteMany", func(ctx context.Context, c *cache.Cache) error { return c.DeleteMany(ctx, []string{"key", "k"}) }, ""},
		{"Clear", func(ctx context.Context, c *cache.Cache) error { return c.Clear(ctx) }, ""},
		{"InvalidateTags", func(ctx context.Context, c *cache.Cache) error { return c.InvalidateTags(ctx, "tag") }, ""},
		{"a Set with no lifetime", func(ctx context.Context, c *cache.Cache) error { return c.Set(ctx, "key", []byte("new"), 0) }, ""},
		{"a Set and a Delete", func(ctx context.Context, c *cache.Cache) error {
			if err := c.Set(ctx, "key", []byte("new"), time.Hour); err != nil {
				return err
			}
			return c.Delete(ctx, "key")
		}, ""},
		{"Add", func(ctx context.Context, c *cache.Cache) error {
			_, err := c.Add(ctx, "key", []byte("new"), time.Hour)
			return err
		}, "new"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			holder := f.start(t, "holder")
			p := cache.Policy{Exclusive: time.Minute, StaleFor: time.Hour, Tags: []string{"tag"}}
			holder.ask(t, question{Key: "key", Policy: p, Callers: 1}) // of several, one might ask when it is cleared
			f.loading(t, "key", 1)
			if err := tc.invalidate(t.Context(), f.c); err != nil {
				t.Fatal(err)
			}
			f.push(t, "holder", "key", "old")
			holder.gets(t, 1, "old") // he asked before
			f.holds(t, holder, "key", tc.left)
			if tc.left == "" { // and a call from now on loads
				f.push(t, "here", "key", "new")
			}
			wantAnswer(t, <-f.asks(question{Key: "key", Policy: p, Callers: 1}), "new")
		})
	}
}

func TestWhileOneProcessRefreshesTheOthersServeWhatIsStale(t *testing.T) {
	t.Parallel()
	f := newService(t)
	holder, other := f.start(t, "holder"), f.start(t, "other")
	p := cache.Policy{TTL: 50 * time.Millisecond, StaleFor: time.Hour, Exclusive: time.Minute}
	f.push(t, "holder", "key", "old")
	holder.ask(t, question{Key: "key", Policy: p, Callers: 1})
	holder.gets(t, 1, "old")
	wait.Until(t, func() bool { _, fresh, err := f.c.Get(t.Context(), "key"); return !fresh && err == nil })

	q := question{Key: "key", Policy: cache.Policy{TTL: time.Hour, StaleFor: time.Hour, Exclusive: time.Minute}, Callers: 1}
	holder.ask(t, q)
	holder.gets(t, 1, "old")
	f.loading(t, "key", 2)
	q.Callers = 10
	for range 5 {
		other.ask(t, q)
		other.gets(t, q.Callers, "old")
		answers := f.asks(q)
		for range q.Callers {
			wantAnswer(t, <-answers, "old")
		}
	}
	f.wantCalls(t, "key", 2)
	f.push(t, "holder", "key", "new")
	q.Callers = 1
	wait.Until(t, func() bool { return (<-f.asks(q)).Value == "new" })
	other.ask(t, q)
	other.gets(t, 1, "new")
	f.wantCalls(t, "key", 2)
}
