package link

import "errors"

// errAgain ends a connection that is to be made anew in another guise.
var errAgain = errors.New("to be connected again")

// A guise is what the broker is told of a client when it connects.
type guise struct {
	alias string // behind the client id
	bare  bool   // without the last will
}

// Reappear connects anew, in an orderly way so that the broker forgets the last
// will: with alias behind the client id, and with a will or without. It does not
// wait for it.
func (l *Link) Reappear(alias string, will bool) {
	l.as.Store(&guise{alias, !will})
	select {
	case l.again <- struct{}{}:
	default:
	}
}

func (l *Link) guise() guise {
	if g := l.as.Load(); g != nil {
		return *g
	}
	return guise{}
}

// forget lets the next attempt be made at once: nothing was wrong.
func (l *Link) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pace.Forget()
}
