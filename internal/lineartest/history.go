package lineartest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// never is the end of what does not end.
const never = math.MaxInt64

// check returns what is wrong with the history of key: a violation, or that it could not be decided.
func check(key string, history []operation, within time.Duration) error {
	m, events, err := read(history)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	switch porcupine.CheckOperationsTimeout(m.porcupine(), events, within) {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		return &violation{key, shortest(history, within)}
	default:
		return fmt.Errorf("%s: its %d operations could not be decided within %v", key, len(history), within)
	}
}

// impossible tells whether no order explains the history. It is false where that cannot be decided.
func impossible(history []operation, within time.Duration) bool {
	m, events, err := read(history)
	return err == nil && porcupine.CheckOperationsTimeout(m.porcupine(), events, within) == porcupine.Illegal
}

// porcupine is m in porcupine's terms.
func (m *model) porcupine() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return states{{}} },
		Step: func(before, by, _ any) (bool, any) {
			after := m.after(before.(states), by.(step))
			return len(after) > 0, after
		},
		Equal:             func(a, b any) bool { return slices.Equal(a.(states), b.(states)) },
		DescribeOperation: func(by, _ any) string { return by.(step).String() },
		DescribeState:     func(s any) string { return fmt.Sprint(s) },
	}
}

// read returns the model of a key with that history, and the events in it.
func read(history []operation) (*model, []porcupine.Operation, error) {
	m := &model{}
	var events []porcupine.Operation
	for i := range history {
		o := &history[i]
		add := func(p part, bit uint64, end int64) {
			events = append(events, porcupine.Operation{ClientId: o.client, Input: step{o, p, bit}, Call: o.begin, Return: end})
		}
		if o.failed || o.unfinished {
			bit, err := m.add(o)
			if err != nil {
				return nil, nil, err
			}
			add(failed, bit, o.end)
			continue
		}
		add(answered, 0, o.end)
		if o.kind == clearing {
			add(clearAgain, 0, o.end)
		}
	}
	return m, events, nil
}

// add adds an operation that failed, and returns its bit: 0 for one of no consequence.
func (m *model) add(o *operation) (uint64, error) {
	if o.kind.reads() {
		return 0, nil
	}
	if len(m.failures) == maxFailures {
		return 0, fmt.Errorf("more than %d writes failed, which is too many to check", maxFailures)
	}
	bit := uint64(1) << len(m.failures)
	m.failures = append(m.failures, o)
	if o.unfinished {
		return bit, nil
	}
	switch o.kind {
	case set, setKeep, remove:
		m.leave |= bit
	case clearing:
		m.leave |= bit
		m.clears |= bit
	}
	return bit, nil
}
