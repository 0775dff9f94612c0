package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestOnlyTheSameBytesAreMeasured(t *testing.T) {
	const size = 1 << 10
	whole := entryValue(size)
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter)
		want   string // in the error
	}{
		{"the handler's", func(w http.ResponseWriter) { _, _ = w.Write(whole) }, ""},
		{"other bytes", func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, size)) }, "want 200 with 1024"},
		{"fewer", func(w http.ResponseWriter) { _, _ = w.Write(whole[1:]) }, "1023 bytes"},
		{"in chunks", func(w http.ResponseWriter) {
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(whole)
		}, "a length of -1"},
		{"an error", func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }, "502"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.answer(w) }))
			defer server.Close()
			err := httpContender{address: server.Listener.Addr().String()}.check(t.Context(), size)
			if said := errorText(err); (c.want == "") != (err == nil) || !strings.Contains(said, c.want) {
				t.Errorf("check: %q, want %q", said, c.want)
			}
		})
	}
}

func TestATurnWhoseRequestsAreNoHitsIsAnError(t *testing.T) {
	w, err := findWrk()
	if err != nil {
		t.Fatal(err)
	}
	site, err := newSite(httpOrigin)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(site.handler)
	defer server.Close()
	c := httpContender{address: server.Listener.Addr().String(), process: os.Getpid()}
	if l, _, err := c.turn(t.Context(), w, tiny(), 1<<10); err != nil || l.requests == 0 {
		t.Errorf("without a cache: %+v, %v", l, err)
	}
	c.made = func() (int64, error) { return site.made.Load(), nil }
	if _, _, err := c.turn(t.Context(), w, tiny(), 1<<10); err == nil || !strings.Contains(err.Error(), "were no hits") {
		t.Errorf("with a cache that has none: %v", err)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
