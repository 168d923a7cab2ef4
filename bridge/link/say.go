package link

import "time"

const (
	remind  = time.Hour // how often a fault that lasts is told again
	mostSay = 12        // different lines in that time
)

// A sayer keeps the log short while a link goes up and down: each line once an
// hour, until the link has stayed up.
type sayer struct {
	said map[string]time.Time
	owed bool // that the link is up was left unsaid
}

// news tells whether a line is to be said now.
func (s *sayer) news(what, problem string, now time.Time) bool {
	for text, at := range s.said {
		if now.Sub(at) >= remind {
			delete(s.said, text)
		}
	}
	if _, known := s.said[what+problem]; known || len(s.said) >= mostSay {
		s.owed = s.owed || problem == ""
		return false
	}
	if s.said == nil {
		s.said = map[string]time.Time{}
	}
	s.said[what+problem] = now
	return true
}

// settle forgets what was said, and tells whether something good was not.
func (s *sayer) settle() (owed bool) {
	owed = s.owed
	*s = sayer{}
	return owed
}
