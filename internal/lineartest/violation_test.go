package lineartest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

func TestAViolationShowsTheHistoryUpToWhatCannotBeExplained(t *testing.T) {
	history := []operation{
		at(1, 2, 0, sets("a")),
		at(3, 30, 1, sets("b")),
		at(4, 40, 2, fails(adds("c", false))),
		at(5, 50, 3, misses()),
		at(6, 7, 0, gets("a")),
		at(8, 9, 0, deletes()),
		at(10, 11, 0, gets("a")),
		at(12, 13, 0, sets("d")),
	}
	err := check("key", history, patience)
	want := `no order of the operations on key explains their answers. When each began and ended:
	    1     2  process 0 client 0: Set(a)
	    3     …  process 1 client 1: Set(b)
	    4     …  process 2 client 2: Add(c) failed
	    5     …  process 3 client 3: Get
	    6     7  process 0 client 0: Get: a
	    8     9  process 0 client 0: Delete
	   10    11  process 0 client 0: Get: a
up to 11, process 0 client 0: Get: a`
	if err == nil || err.Error() != want {
		t.Errorf("the check says\n%v\nwant\n%s", err, want)
	}
}

func TestAViolationIsNotWhatAReadExplainsThatFailsLater(t *testing.T) {
	history := []operation{
		at(1, 2, 0, fails(sets("a"))),
		at(3, 40, 0, fails(misses())), // its deletion is executed after the next read's
		at(5, 6, 0, misses()),
		at(7, 8, 0, sets("b")),
		at(9, 10, 0, misses()),
		at(50, 51, 0, gets("c")),
		at(52, 53, 0, misses()),
		at(54, 55, 0, misses()),
	}
	err := check("key", history, patience)
	if err == nil || !strings.Contains(err.Error(), "up to 51, process 0 client 0: Get: c") {
		t.Errorf("the check says %v; want that the read at 51 cannot be explained", err)
	}
}

func TestAnOperationIsShownWithItsAnswer(t *testing.T) {
	for want, o := range map[string]operation{
		"Get: a miss":                  misses(),
		"Exists: true":                 isThere(true),
		"Increment(7): 9":              counts(7, answer{sum: 9}),
		"Increment(7): overflow":       counts(7, answer{refused: overflow}),
		"Increment(7): not an integer": counts(7, answer{refused: notInteger}),
		"Add(a): false":                adds("a", false),
		"CompareAndSwap(a, b): true":   swaps("a", "b", true),
		"CompareAndDelete(a): false":   deletesOld("a", false),
		"CompareAndSwap(a, b) failed":  fails(swaps("a", "b", true)),
		"Clear":                        clears(),
	} {
		if got := o.String(); got != "process 0 client 0: "+want {
			t.Errorf("%q; want %q after the process and the client", got, want)
		}
	}
}

func TestWhatCannotBeDecidedInTimeIsAnError(t *testing.T) {
	var many []operation
	for i := range 5000 {
		many = append(many, sets(fmt.Sprint(i)))
	}
	err := check("key", row(many...), time.Nanosecond)
	if err == nil || !strings.Contains(err.Error(), "key: its 5000 operations could not be decided within 1ns") {
		t.Errorf("the check says %v; want that it could not decide", err)
	}
}

func TestMoreFailuresThanCanBeToldApartAreAnError(t *testing.T) {
	var many []operation
	for range maxFailures + 1 {
		many = append(many, fails(adds("a", false)))
	}
	if err := check("key", row(many[1:]...), patience); err != nil {
		t.Errorf("the check of %d failures says %v", maxFailures, err)
	}
	if err := check("key", row(many...), patience); err == nil || !strings.Contains(err.Error(), "more than 64 writes failed") {
		t.Errorf("the check of %d failures says %v; want that they are too many", maxFailures+1, err)
	}
}

// judgement is a test that Check may fail.
type judgement struct {
	testing.TB
	errors []string
}

func (j *judgement) Error(args ...any)         { j.errors = append(j.errors, fmt.Sprint(args...)) }
func (j *judgement) Errorf(f string, a ...any) { j.errors = append(j.errors, fmt.Sprintf(f, a...)) }

func TestCheckFailsTheTestAndDrawsTheHistory(t *testing.T) {
	j := &judgement{TB: t}
	Check(j, Config{Processes: []*cache.Cache{over(t, losesSets{memory(t), &sometimes{every: 7}, ""})}})
	if len(j.errors) != 1 || !strings.Contains(j.errors[0], "no order of the operations on key") {
		t.Errorf("Check failed the test with %q; want the history", j.errors)
	}
	page, err := os.ReadFile(filepath.Join(t.ArtifactDir(), "history.html"))
	if err != nil || !strings.Contains(string(page), "process 0 client ") {
		t.Errorf("the page has %d bytes, %v; want one that shows the history", len(page), err)
	}
}
