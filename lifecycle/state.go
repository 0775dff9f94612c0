package lifecycle

import "fmt"

// State is where a Lifecycle is between its start and its stop. It only ever grows.
type State int32

const (
	Initial  State = iota // hooks are added
	Starting              // Start hooks run
	Ready                 // every hook has started; the one state in which a program should be sent requests
	Draining              // on the way down: the drain delay, Stop hooks, or the rollback of a failed start
	Stopped               // every hook that had started was stopped, or abandoned
)

// String returns the state's name in lower case.
func (s State) String() string {
	switch s {
	case Initial:
		return "new"
	case Starting:
		return "starting"
	case Ready:
		return "ready"
	case Draining:
		return "draining"
	case Stopped:
		return "stopped"
	}
	return fmt.Sprintf("State(%d)", int32(s))
}

// State returns the present state. It never blocks, so a readiness probe may ask it on every request.
func (l *Lifecycle) State() State { return State(l.state.Load()) }

func (l *Lifecycle) setState(s State) { l.state.Store(int32(s)) }
