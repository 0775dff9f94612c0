package lineartest

import (
	"testing"
)

// at is an operation with its beginning and its end. The number of the process is its client's too.
func at(begin, end int64, process int, o operation) operation {
	o.begin, o.end, o.process, o.client = begin, end, process, process
	return o
}

func gets(value string) operation {
	return operation{method: "Get", kind: get, answer: answer{found: true, value: value}}
}
func misses() operation { return operation{method: "Get", kind: get} }
func isThere(found bool) operation {
	return operation{method: "Exists", kind: exists, answer: answer{found: found}}
}
func sets(value string) operation { return operation{method: "Set", kind: set, value: value} }
func deletes() operation          { return operation{method: "Delete", kind: remove} }
func clears() operation           { return operation{method: "Clear", kind: clearing} }
func adds(value string, stored bool) operation {
	return operation{method: "Add", kind: add, value: value, answer: answer{found: stored}}
}
func counts(delta int64, a answer) operation {
	return operation{method: "Increment", kind: increment, delta: delta, answer: a}
}
func swaps(old, value string, swapped bool) operation {
	return operation{method: "CompareAndSwap", kind: swap, old: old, value: value, answer: answer{found: swapped}}
}
func deletesOld(old string, deleted bool) operation {
	return operation{method: "CompareAndDelete", kind: removeOld, old: old, answer: answer{found: deleted}}
}
func fails(o operation) operation {
	o.failed, o.answer = true, answer{}
	return o
}
func keepsTTL(o operation) operation {
	o.kind = setKeep
	return o
}

// row is a history in which each operation of process 0 begins when the one before has ended.
func row(operations ...operation) []operation {
	for i := range operations {
		operations[i] = at(int64(10*i+1), int64(10*i+9), 0, operations[i])
	}
	return operations
}

type judged struct {
	name    string
	history []operation
	want    bool // some order explains it
}

func judge(t *testing.T, histories []judged) {
	t.Helper()
	for _, tc := range histories {
		t.Run(tc.name, func(t *testing.T) {
			err := check("key", tc.history, patience)
			if explained := err == nil; explained != tc.want {
				t.Errorf("explained: %t; want %t. The check says: %v", explained, tc.want, err)
			}
		})
	}
}

func TestAnswersOfOneAfterTheOther(t *testing.T) {
	judge(t, []judged{
		{"a miss at first", row(misses(), isThere(false)), true},
		{"a value from nowhere", row(gets("a")), false},
		{"what was set", row(sets("a"), gets("a"), isThere(true), sets("b"), gets("b")), true},
		{"another value than was set", row(sets("a"), gets("b")), false},
		{"a value that was overwritten", row(sets("a"), sets("b"), gets("a")), false},
		{"a miss though it was set", row(sets("a"), misses()), false},
		{"absent though it was set", row(sets("a"), isThere(false)), false},
		{"a miss after a Delete", row(sets("a"), deletes(), misses(), isThere(false)), true},
		{"a value that was deleted", row(sets("a"), deletes(), gets("a")), false},
		{"a value that was cleared", row(sets("a"), clears(), gets("a")), false},
		{"a Set with KeepTTL", row(keepsTTL(sets("a")), gets("a"), keepsTTL(sets("b")), gets("b")), true},
		{"a Set with KeepTTL that was lost", row(keepsTTL(sets("a")), misses()), false},
		{"an Add where nothing is", row(adds("a", true), gets("a"), deletes(), adds("b", true), gets("b")), true},
		{"an Add where something is", row(sets("a"), adds("b", false), gets("a")), true},
		{"an Add that says no where nothing is", row(adds("a", false)), false},
		{"an Add that overwrites", row(sets("a"), adds("b", true)), false},
		{"an Add that says no and stores", row(sets("a"), adds("b", false), gets("b")), false},
		{"a count", row(counts(2, answer{sum: 2}), counts(3, answer{sum: 5}), gets("5"), counts(-6, answer{sum: -1}), gets("-1")), true},
		{"a count that forgets", row(counts(2, answer{sum: 2}), counts(3, answer{sum: 3})), false},
		{"a count that stores another number", row(counts(2, answer{sum: 2}), gets("3")), false},
		{"a count on text", row(sets("a"), counts(1, answer{refused: notInteger}), gets("a")), true},
		{"a count on text that is answered", row(sets("a"), counts(1, answer{sum: 1})), false},
		{"a count on text that changes it", row(sets("a"), counts(1, answer{refused: notInteger}), gets("1")), false},
		{"a count on what looks like a number", row(sets("07"), counts(1, answer{sum: 8})), false},
		{"a count on a number that is refused", row(sets("7"), counts(1, answer{refused: notInteger})), false},
		{"a count up to the greatest number", row(
			sets("9223372036854775806"), counts(1, answer{sum: 1<<63 - 1}), counts(1, answer{refused: overflow}),
			gets("9223372036854775807"),
		), true},
		{"a count down to the least number", row(
			sets("-9223372036854775807"), counts(-1, answer{sum: -1 << 63}), counts(-1, answer{refused: overflow}),
		), true},
		{"a count past the greatest number", row(sets("9223372036854775807"), counts(1, answer{sum: -1 << 63})), false},
		{"a count that is refused too soon", row(sets("9223372036854775806"), counts(1, answer{refused: overflow})), false},
		{"a swap of what is there", row(sets("a"), swaps("a", "b", true), gets("b")), true},
		{"a swap of something else", row(sets("a"), swaps("c", "b", false), gets("a")), true},
		{"a swap of nothing", row(swaps("", "b", false), misses()), true},
		{"a swap of nothing that says yes", row(swaps("", "b", true)), false},
		{"a swap of something else that says yes", row(sets("a"), swaps("c", "b", true)), false},
		{"a swap that says no though it is there", row(sets("a"), swaps("a", "b", false)), false},
		{"a swap that is lost", row(sets("a"), swaps("a", "b", true), gets("a")), false},
		{"a deletion of what is there", row(sets("a"), deletesOld("a", true), misses()), true},
		{"a deletion of something else", row(sets("a"), deletesOld("b", false), gets("a")), true},
		{"a deletion of nothing", row(deletesOld("", false)), true},
		{"a deletion of nothing that says yes", row(deletesOld("", true)), false},
		{"a deletion that says no though it is there", row(sets("a"), deletesOld("a", false)), false},
		{"a deletion of something else that says yes", row(sets("a"), deletesOld("b", true)), false},
		{"a deletion that is lost", row(sets("a"), deletesOld("a", true), gets("a")), false},
	})
}

func TestAnswersAtTheSameTime(t *testing.T) {
	judge(t, []judged{
		{"the old value beside a Set", []operation{at(1, 2, 0, sets("a")), at(3, 9, 0, sets("b")), at(4, 8, 1, gets("a"))}, true},
		{"the new value beside a Set", []operation{at(1, 2, 0, sets("a")), at(3, 9, 0, sets("b")), at(4, 8, 1, gets("b"))}, true},
		{"the new value and then the old one", []operation{
			at(1, 2, 0, sets("a")), at(3, 9, 0, sets("b")), at(4, 5, 1, gets("b")), at(6, 7, 1, gets("a")),
		}, false},
		{"two Adds that both store", []operation{at(1, 4, 0, adds("a", true)), at(2, 3, 1, adds("b", true))}, false},
		{"two Adds of which one stores", []operation{at(1, 4, 0, adds("a", false)), at(2, 3, 1, adds("b", true))}, true},
		{"two counts with one sum", []operation{at(1, 4, 0, counts(1, answer{sum: 1})), at(2, 3, 1, counts(1, answer{sum: 1}))}, false},
		{"two swaps of one value", []operation{
			at(1, 2, 0, sets("a")), at(3, 6, 0, swaps("a", "b", true)), at(4, 5, 1, swaps("a", "c", true)),
		}, false},
		{"a Set beside a Clear stays", []operation{
			at(1, 2, 0, sets("a")), at(3, 9, 0, clears()), at(4, 5, 1, sets("b")), at(10, 11, 1, gets("b")),
		}, true},
		{"a Set beside a Clear goes", []operation{
			at(1, 2, 0, sets("a")), at(3, 9, 0, clears()), at(4, 5, 1, sets("b")), at(10, 11, 1, misses()),
		}, true},
		{"what was there before a Clear goes, and what was set beside it too", []operation{
			at(1, 2, 0, sets("a")), at(3, 9, 0, clears()), at(4, 5, 1, misses()), at(6, 7, 1, sets("b")), at(10, 11, 1, misses()),
		}, true},
		{"what was there before a Clear stays", []operation{
			at(1, 2, 0, sets("a")), at(3, 9, 0, clears()), at(4, 5, 1, gets("a")), at(10, 11, 1, gets("a")),
		}, false},
	})
}

func TestWhatFailedMayHaveTakenEffectOrNot(t *testing.T) {
	judge(t, []judged{
		{"a Set that took effect", row(fails(sets("a")), gets("a")), true},
		{"a Set that took none", row(fails(sets("a")), misses()), true},
		{"a Set that takes effect late", row(fails(sets("a")), misses(), misses(), gets("a")), true},
		{"a Set that takes effect twice", row(fails(sets("a")), gets("a"), sets("b"), gets("a")), false},
		{"a Set that takes effect before it began", row(gets("a"), fails(sets("a"))), false},
		{"a Set that takes effect before it failed", []operation{
			at(1, 9, 0, fails(sets("a"))), at(2, 3, 1, gets("a")), at(10, 11, 0, misses()),
		}, true},
		{"a Delete that takes effect late, in another process", []operation{
			at(1, 2, 1, sets("a")), at(3, 4, 0, fails(deletes())), at(5, 6, 1, gets("a")), at(7, 8, 1, misses()),
		}, true},
		{"an Add that took effect", row(fails(adds("a", false)), gets("a")), true},
		{"an Add that takes effect late", row(fails(adds("a", false)), misses(), gets("a")), true},
		{"an Add that took none, for something was there", row(sets("a"), fails(adds("b", false)), gets("a"), gets("a")), true},
		{"an Add that overwrote", row(sets("a"), fails(adds("b", false)), gets("b")), false},
		{"an Add that deleted", row(sets("a"), fails(adds("b", false)), misses()), false},
		{"a count that took effect", row(sets("1"), fails(counts(2, answer{})), gets("3")), true},
		{"a count that took none", row(sets("1"), fails(counts(2, answer{})), gets("1")), true},
		{"a count that took effect twice", row(sets("1"), fails(counts(2, answer{})), gets("5")), false},
		{"two counts, of which one took effect", row(sets("1"), fails(counts(2, answer{})), fails(counts(4, answer{})), gets("5")), true},
		{"a count that deleted", row(sets("1"), fails(counts(2, answer{})), misses()), false},
		{"a swap that took effect", row(sets("a"), fails(swaps("a", "b", false)), gets("b")), true},
		{"a swap that took none", row(sets("a"), fails(swaps("a", "b", false)), gets("a")), true},
		{"a swap of something else", row(sets("a"), fails(swaps("c", "b", false)), gets("b")), false},
		{"a deletion of what is there", row(sets("a"), fails(deletesOld("a", false)), misses()), true},
		{"a deletion of something else", row(sets("a"), fails(deletesOld("b", false)), misses()), false},
		{"a read", row(sets("a"), fails(misses()), gets("a")), true},
		{"a read that deleted", row(sets("a"), fails(misses()), misses()), false},
		{"a Set that was seen at once, and stays", []operation{
			at(1, 2, 0, sets("a")), at(3, 8, 0, fails(sets("b"))), at(4, 5, 1, gets("b")), at(9, 10, 0, gets("b")), at(11, 12, 0, gets("b")),
		}, true},
	})
}

func TestWhatFailedIsMadeUpForInItsProcess(t *testing.T) {
	judge(t, []judged{
		{"the old value after a Set", row(sets("a"), fails(sets("b")), gets("a")), false},
		{"the old value after a Delete", row(sets("a"), fails(deletes()), gets("a")), false},
		{"the old value after a Clear", row(sets("a"), fails(clears()), gets("a")), false},
		{"the old value after a Set with KeepTTL", row(sets("a"), fails(keepsTTL(sets("b"))), gets("a")), false},
		{"a miss after a Set with KeepTTL", row(sets("a"), fails(keepsTTL(sets("b"))), misses()), true},
		{"the old value after a miss", row(sets("a"), fails(deletes()), misses(), gets("a")), false},
		{"a count on the old value", row(sets("1"), fails(deletes()), counts(1, answer{sum: 2})), false},
		{"a count on nothing", row(sets("1"), fails(deletes()), counts(1, answer{sum: 1})), true},
		{"an Add over the old value", row(sets("a"), fails(deletes()), adds("b", true), gets("b")), true},
		{"an Add that finds the old value", row(sets("a"), fails(deletes()), adds("b", false)), false},
		{"a swap of the old value", row(sets("a"), fails(deletes()), swaps("a", "b", true)), false},
		{"the old value in another process", []operation{at(1, 2, 0, sets("a")), at(3, 4, 0, fails(sets("b"))), at(5, 6, 1, gets("a"))}, true},
		{"the old value in a read that had begun", []operation{
			at(1, 2, 0, sets("a")), at(3, 6, 0, fails(deletes())), at(5, 9, 0, gets("a")), at(7, 8, 0, misses()),
		}, true},
		{"the old value in a read that began later", []operation{
			at(1, 2, 0, sets("a")), at(3, 6, 0, fails(deletes())), at(5, 9, 0, gets("a")), at(7, 8, 0, gets("a")),
		}, false},
		{"what a Set stored that had begun is deleted too", []operation{
			at(1, 2, 1, sets("a")), at(3, 6, 0, fails(sets("b"))), at(5, 20, 0, sets("c")), at(8, 9, 1, gets("a")), at(10, 11, 1, gets("c")),
			at(21, 22, 0, misses()), at(23, 24, 1, misses()),
		}, true},
		{"a Clear that began earlier lets others delete", []operation{
			at(3, 6, 0, fails(sets("b"))), at(5, 20, 0, sets("c")), at(7, 10, 0, clears()), at(8, 16, 0, misses()), at(12, 13, 1, gets("c")),
			at(21, 22, 1, misses()),
		}, true},
		{"what another process set meanwhile is deleted too", []operation{
			at(1, 2, 0, sets("a")), at(3, 4, 0, fails(sets("b"))), at(5, 6, 1, sets("c")), at(7, 8, 1, gets("c")),
			at(9, 10, 0, misses()), at(11, 12, 1, misses()),
		}, true},
		{"what another process set meanwhile is served, for the deletion may have come before", []operation{
			at(1, 2, 0, fails(sets("b"))), at(3, 4, 1, sets("c")), at(5, 6, 1, gets("c")), at(7, 8, 0, gets("c")),
		}, true},
		{"each process makes up for its own, one after the other", []operation{
			at(1, 2, 0, sets("a")), at(3, 4, 0, fails(deletes())), at(5, 6, 1, fails(deletes())), at(7, 8, 0, misses()),
			at(9, 10, 0, sets("b")), at(11, 12, 1, misses()),
		}, true},
		{"a Set after it is there to stay", row(fails(sets("a")), sets("b"), gets("b"), gets("b")), true},
		{"what is set after a Set with KeepTTL is deleted, for that one may have deleted too", row(
			fails(keepsTTL(sets("a"))), misses(), sets("b"), misses(),
		), true},
		{"what is set after a Set with KeepTTL is deleted once", row(
			fails(keepsTTL(sets("a"))), misses(), sets("b"), misses(), sets("c"), misses(),
		), false},
		{"what is set after a Set is not", row(fails(sets("a")), misses(), sets("b"), misses()), false},
		{"a Set of the process is not deleted for ever", row(fails(adds("a", false)), sets("b"), misses(), sets("c"), misses()), false},
	})
}

func TestADeletionThatMakesUpForAFailureMayFailToo(t *testing.T) {
	deleted := []operation{fails(deletes()), fails(misses()), misses()} // may leave two deletions on their way
	for range 2 {
		deleted = append(deleted, sets("a"), misses())
	}
	judge(t, []judged{
		{"and take effect late", row(deleted...), true},
		{"and takes effect once", row(append(deleted, sets("b"), misses())...), false},
		{"though in another process nothing is to be made up for", []operation{
			at(1, 2, 0, fails(sets("a"))), at(3, 4, 1, fails(misses())), at(5, 6, 0, misses()), at(7, 8, 0, sets("b")), at(9, 10, 0, misses()),
		}, false},
		{"which nothing does that did not fail", row(fails(misses()), sets("a"), misses()), false},
	})
}

func TestAStateCoversWhatAllowsLess(t *testing.T) {
	base := state{found: true, value: "a", pending: 6, marks: 6, undone: 2, spare: 2}
	for _, tc := range []struct {
		name   string
		change func(*state)
		want   bool
	}{
		{"the same", func(*state) {}, true},
		{"less pending", func(s *state) { s.pending = 4 }, true},
		{"more pending", func(s *state) { s.pending = 7 }, false},
		{"fewer marks", func(s *state) { s.marks = 2 }, true},
		{"more marks", func(s *state) { s.marks = 7 }, false},
		{"more undone", func(s *state) { s.undone = 6 }, true},
		{"less undone", func(s *state) { s.undone = 0 }, false},
		{"fewer deletions", func(s *state) { s.spare = 1 }, true},
		{"more deletions", func(s *state) { s.spare = 3 }, false},
		{"another value", func(s *state) { s.value = "b" }, false},
		{"no value", func(s *state) { s.found = false }, false},
	} {
		other := base
		tc.change(&other)
		if got := base.covers(other); got != tc.want {
			t.Errorf("%s: covered: %t; want %t", tc.name, got, tc.want)
		}
	}
}

func TestAClearThatFailedIsMadeUpForLater(t *testing.T) {
	judge(t, []judged{
		{"until then reads miss", row(
			sets("a"), fails(clears()), misses(), isThere(false), swaps("a", "b", false), deletesOld("a", false),
		), true},
		{"until then another process reads", []operation{
			at(1, 2, 0, sets("a")), at(3, 4, 0, fails(clears())), at(5, 6, 0, misses()), at(7, 8, 1, gets("a")),
			at(9, 10, 0, misses()), at(11, 12, 1, gets("a")),
		}, true},
		{"until then reads miss that had begun too", []operation{
			at(1, 2, 0, sets("a")), at(3, 6, 0, fails(clears())), at(4, 5, 0, misses()), at(7, 8, 1, gets("a")),
		}, true},
		{"what is set until then may be missed and be there again", row(
			sets("a"), fails(clears()), misses(), sets("b"), misses(), gets("b"), gets("b"),
		), true},
		{"what is set until then may be cleared", row(fails(clears()), sets("b"), misses(), misses()), true},
		{"then nothing is missed", row(fails(clears()), sets("b"), gets("b"), misses(), gets("b")), false},
		{"what is deleted until then is gone", row(fails(clears()), sets("b"), deletes(), gets("b")), false},
		{"it does not make up for a Delete", row(sets("a"), fails(clears()), fails(deletes()), misses(), gets("a")), false},
		{"a Clear does", row(sets("a"), fails(clears()), clears(), misses(), sets("b"), gets("b")), true},
		{"a Clear is not put off", row(fails(clears()), sets("b"), clears(), gets("b")), false},
		{"it may take effect late too", row(fails(clears()), sets("b"), gets("b"), misses(), sets("c"), misses()), true},
		{"nothing is added until then", row(sets("a"), fails(clears()), adds("b", true), gets("a")), false},
		{"nothing is counted until then", row(sets("1"), fails(clears()), counts(1, answer{sum: 2})), false},
	})
}
