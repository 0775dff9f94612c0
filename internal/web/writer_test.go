package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// timed is a connection that keeps the write deadlines set on it.
type timed struct {
	http.ResponseWriter
	deadlines []time.Duration // from the start
	start     time.Time
}

func (c *timed) SetWriteDeadline(d time.Time) error {
	c.deadlines = append(c.deadlines, d.Sub(c.start))
	return nil
}

func TestAWriteMayTake30SecondsButAStreamAsLongAsItLikes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := &timed{ResponseWriter: httptest.NewRecorder(), start: time.Now()}
		w := &writer{ResponseWriter: conn}
		for range 100 {
			_, _ = w.Write([]byte("x")) // at once: one deadline does for all
		}
		<-time.After(time.Hour)
		_, _ = w.Write([]byte("x"))
		<-time.After(time.Hour)
		w.finish()
		want := []time.Duration{30 * time.Second, time.Hour + 30*time.Second, 2*time.Hour + 30*time.Second}
		if len(conn.deadlines) != 3 || conn.deadlines[0] != want[0] || conn.deadlines[1] != want[1] || conn.deadlines[2] != want[2] {
			t.Errorf("deadlines %v, want %v", conn.deadlines, want)
		}
	})
}

func TestAHandlersOwnWriteDeadlineStays(t *testing.T) {
	conn := &timed{ResponseWriter: httptest.NewRecorder(), start: time.Now()}
	w := &writer{ResponseWriter: conn}
	if err := http.NewResponseController(w).SetWriteDeadline(conn.start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte("x"))
	w.finish()
	if len(conn.deadlines) != 1 || conn.deadlines[0] != time.Hour {
		t.Errorf("deadlines %v, want the handler's alone", conn.deadlines)
	}
}

func TestAnInformationalResponseIsNotTheResponse(t *testing.T) {
	w := &writer{ResponseWriter: httptest.NewRecorder(), id: "a"}
	w.WriteHeader(http.StatusEarlyHints)
	if w.started() {
		t.Error("a 103 counts as the response")
	}
	w.WriteHeader(http.StatusNotFound)
	w.WriteHeader(http.StatusOK) // superfluous: net/http ignores it too
	if w.status != http.StatusNotFound {
		t.Errorf("status %d, want 404", w.status)
	}
}
