//go:build unix

package redisstore_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

func TestAHolderThatIsStoppedBeyondItsLeaseStoresNothing(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]func(t *testing.T, f *service, q question){
		"while another loads": func(t *testing.T, f *service, q question) {
			f.push(t, "here", "key", "new")
			q.Policy.Exclusive = time.Minute // whose own load may take longer
			wantAnswer(t, <-f.asks(q), "new")
		},
		"while another sets": func(t *testing.T, f *service, _ question) {
			if err := f.c.Set(t.Context(), "key", []byte("new"), time.Hour); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newService(t)
			holder := f.start(t, "holder")
			q := question{Key: "key", Policy: cache.Policy{Exclusive: time.Second, StaleFor: time.Hour}, Callers: 1, Stubborn: true}
			holder.ask(t, q)
			f.loading(t, "key", 1)
			if err := holder.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			later(t, f, q)
			f.push(t, "holder", "key", "old") // is there when it goes on
			if err := holder.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			if a := holder.answer(t); !a.TooLate && a.Value != "old" {
				t.Errorf("the holder's caller got %q, %s; want what was loaded, or that it took too long", a.Value, a.Err)
			}
			f.holds(t, holder, "key", "new")
		})
	}
}
