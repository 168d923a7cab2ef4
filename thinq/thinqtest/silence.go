package thinqtest

import "fmt"

// A Cure is what makes an appliance's reports arrive again.
type Cure string

// The cures, the least of them first.
const (
	CureSubscribe   Cure = "subscribe"   // another request for its events
	CureConnect     Cure = "connect"     // another connection to the event broker or the callback
	CureCertificate Cure = "certificate" // another client certificate
	CureNone        Cure = "none"
)

// Silence loses an appliance's reports to everybody, while its subscriptions
// stay in the list and everything else arrives, until something cures it; empty
// for an end at once. The error names an unknown cure.
func (s *Server) Silence(id string, until Cure) error {
	switch until {
	case "", CureSubscribe, CureConnect, CureCertificate, CureNone:
	default:
		return fmt.Errorf("cure %q is none of subscribe, connect, certificate, none", until)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if until == "" {
		delete(s.silent, id)
	} else {
		s.silent[id] = until
	}
	return nil
}

// cure ends the silence of appliances that a remedy helps; an empty id stands
// for all of them. mu is held.
func (s *Server) cure(id string, remedy Cure) {
	for silent, until := range s.silent {
		if until == remedy && (id == "" || id == silent) {
			delete(s.silent, silent)
		}
	}
}

// connected notes another connection for events.
func (s *Server) connected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cure("", CureConnect)
}
