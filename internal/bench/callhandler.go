package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
)

// A visit is the request that a goroutine sends again and again, each time as another client, and the response to it, which goes nowhere.
type visit struct {
	handler http.Handler
	request *http.Request
	answer  *nowhere
	cookie  []string // the request's
	failed  error    // there is no request
}

func newVisit(ctx context.Context, h http.Handler) *visit {
	v := &visit{handler: h, answer: &nowhere{header: make(http.Header)}}
	r, err := readRequest(1 << 10)
	if err != nil {
		v.failed = err
		return v
	}
	v.request = r.WithContext(ctx)
	return v
}

// withCookie gives the request a cookie, which send then replaces.
func (v *visit) withCookie() *visit {
	v.cookie = []string{""}
	if v.failed == nil {
		v.request.Header["Cookie"] = v.cookie
	}
	return v
}

// visits are one for each of n goroutines that call at once.
func visits(n int, h http.Handler) []*visit {
	all := make([]*visit, n)
	for i := range all {
		all[i] = newVisit(context.Background(), h)
	}
	return all
}

// within makes the request one with that context.
func (v *visit) within(ctx context.Context) *visit {
	if v.failed == nil {
		v.request = v.request.WithContext(ctx)
	}
	return v
}

// from makes it that of another client.
func (v *visit) from(address string) *visit {
	if v.failed == nil {
		v.request.RemoteAddr = address
	}
	return v
}

// send has the handler answer, which is to be by that status.
func (v *visit) send(status int) error {
	if v.failed != nil {
		return v.failed
	}
	v.answer.reset()
	v.handler.ServeHTTP(v.answer, v.request)
	if v.answer.status != status {
		return fmt.Errorf("status %d, want %d", v.answer.status, status)
	}
	return nil
}

// passed is the handler behind what is measured.
func passed(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// addressOf is where the n-th client connects from.
func addressOf(n int) string { return fmt.Sprintf("10.%d.%d.%d:50000", n>>16&255, n>>8&255, n&255) }

func addresses(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = addressOf(i)
	}
	return all
}

// clientKeys are the keys of n clients for those who decide without a request.
func clientKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = "client " + strconv.Itoa(i)
	}
	return keys
}
