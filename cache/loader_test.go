package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

func TestNobodysPanicOrGoexitHurtsAnybodyElse(t *testing.T) {
	failure := errors.New("the failure")
	for _, tc := range []struct {
		name string
		end  func()
		is   func(err error) bool
	}{
		{"panics", func() { panic("the reason") }, func(err error) bool {
			p, ok := errors.AsType[*cache.PanicError](err)
			return ok && p.Value == "the reason" && strings.Contains(string(p.Stack), "loader_test.go") && strings.Contains(err.Error(), "the reason")
		}},
		{"panics with an error", func() { panic(failure) }, func(err error) bool { return errors.Is(err, failure) }},
		{"ends its goroutine", runtime.Goexit, func(err error) bool { return strings.Contains(fmt.Sprint(err), "ended its goroutine") }},
	} {
		t.Run("a loader that "+tc.name+" is an error of all callers, and the next load works", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := inMemory(t, nil), newSource()
				for _, p := range []cache.Policy{{}, {Exclusive: time.Hour}, {StaleIfError: time.Hour, Tags: []string{"tag"}}} {
					let := make(chan struct{})
					load := func(context.Context) (string, error) {
						<-let
						tc.end()
						return "", nil
					}
					first, second := ask(t.Context(), c, "k", p, load), ask(t.Context(), c, "k", p, load)
					close(let)
					for _, a := range []*asked{first, second} {
						if <-a.done; !tc.is(a.err) {
							t.Errorf("%+v: the error is %v", p, a.err)
						}
					}
					third := ask(t.Context(), c, "k", p, s.load)
					s.answer <- outcome{value: "value"}
					third.got(t, "value")
					if err := c.Delete(t.Context(), "k"); err != nil {
						t.Fatal(err)
					}
				}
			})
		})
	}
}

func TestALoaderThatHangsFreesItsKeyAfterLoadTimeout(t *testing.T) {
	for _, p := range []cache.Policy{{LoadTimeout: time.Minute}, {LoadTimeout: time.Minute, Exclusive: time.Minute}, {Exclusive: time.Minute}, {}} {
		t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := inMemory(t, nil), newSource()
				begun, hung := time.Now(), make(chan struct{})
				first := ask(t.Context(), c, "k", p, func(context.Context) (string, error) {
					<-hung
					return "late", nil
				})
				first.failed(t, context.DeadlineExceeded)
				want := 30 * time.Second
				if p.LoadTimeout > 0 {
					want = p.LoadTimeout
				}
				if took := time.Since(begun); took != want {
					t.Errorf("the error came after %v; want %v", took, want)
				}
				if !strings.Contains(first.err.Error(), "has not returned within "+want.String()) {
					t.Errorf("the error is %q; want one that says what took too long", first.err)
				}
				second := ask(t.Context(), c, "k", p, s.load)
				<-s.began // when the lease of the hung one has run out, if it has one
				if late := time.Since(begun); late > max(want, p.Exclusive)+time.Second {
					t.Errorf("the next load began after %v", late)
				}
				s.answer <- outcome{value: "value"}
				second.got(t, "value")
				close(hung)
				synctest.Wait()
				wantStored(t, c, "k", "value")
			})
		})
	}
}

func TestALoadersContextEndsWithLoadTimeoutAndHasTheFirstCallersValues(t *testing.T) {
	type name struct{}
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, nil)
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), name{}, "first"), time.Hour)
		defer cancel()
		begun := time.Now()
		a := ask(ctx, c, "k", cache.Policy{LoadTimeout: time.Minute}, func(ctx context.Context) (string, error) {
			if v := ctx.Value(name{}); v != "first" {
				t.Errorf("the value is %v; want that of the first caller", v)
			}
			if d, ok := ctx.Deadline(); !ok || d.Sub(begun) != time.Minute {
				t.Errorf("the deadline is after %v; want LoadTimeout", d.Sub(begun))
			}
			<-ctx.Done()
			return "", ctx.Err()
		})
		a.failed(t, context.DeadlineExceeded)
	})
}

func TestALoadersErrorIsThatOfAllCallersAndIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, failure := inMemory(t, nil), newSource(), errors.New("the failure")
		first, second := ask(t.Context(), c, "k", cache.Policy{}, s.load), ask(t.Context(), c, "k", cache.Policy{}, s.load)
		s.answer <- outcome{"with an error", failure}
		for _, a := range []*asked{first, second} {
			if a.failed(t, failure); a.err != failure {
				t.Errorf("the error is %v; want the loader's own", a.err)
			}
		}
		third := ask(t.Context(), c, "k", cache.Policy{}, s.load)
		s.answer <- outcome{value: "value"}
		third.got(t, "value")
		wantCalls(t, s, 2)
	})
}
