package discovery

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// A language says visible texts in other words. English is what stands in the
// tables; the other languages look it up.
type language struct {
	words map[string]string // by the English text; nil: English
	forms map[form]string
}

// A form is how a visible name is put together.
type form int

const (
	placed    form = iota // Freezer + Target temperature
	cancelled             // Delayed start that is called off
	remaining             // what is left of a timer
	ordered               // Self test + Start
	resetting             // Filter due that is acknowledged
	left                  // what is left of something that is used up
)

// languages are those that can be configured.
var languages = map[string]language{
	"en": {forms: map[form]string{placed: "%s %s", cancelled: "Cancel %s", remaining: "%s remaining", ordered: "%s %s", resetting: "%s reset", left: "%s remaining"}},
	"de": {words: german, forms: map[form]string{placed: "%[2]s %[1]s", cancelled: "%s abbrechen", remaining: "%s verbleibend", ordered: "%s: %s", resetting: "%s: zurücksetzen", left: "%s, Rest"}},
	"ko": {words: korean, forms: map[form]string{placed: "%s %s", cancelled: "%s 취소", remaining: "%s 남은 시간", ordered: "%s %s", resetting: "%s 초기화", left: "%s 잔량"}},
}

// A speaker says visible texts in the language of its options.
type speaker struct {
	language
	phrases map[string]phrase // by their English text
	missed  func(english string)
}

// A phrase is a visible name that was put together.
type phrase struct {
	form  form
	parts []string
}

func speakerOf(o Options) speaker {
	l, ok := languages[o.Language]
	if !ok {
		l = languages["en"]
	}
	return speaker{l, map[string]phrase{}, o.missed}
}

// Translate says one of the program's own texts in a language: that of "Running"
// for "de". What has no translation stays English.
func Translate(language, english string) string {
	return speakerOf(Options{Language: language}).say(english)
}

// phrase puts a visible name together, in English.
func (s speaker) phrase(f form, parts ...string) string {
	text := fill(languages["en"].forms[f], parts, lowerFirst)
	s.phrases[text] = phrase{f, parts}
	return text
}

// say is an English text in the language: as the table has it, put together of
// what the table has, or as it is.
func (s speaker) say(english string) string {
	if s.words == nil || strings.IndexFunc(english, unicode.IsLetter) < 0 {
		return english
	}
	if text, ok := s.words[english]; ok {
		return text
	}
	if p, ok := s.phrases[english]; ok {
		parts := make([]string, len(p.parts))
		for i, part := range p.parts {
			parts[i] = s.say(part)
		}
		return fill(s.forms[p.form], parts, nil)
	}
	if stem, number, ok := cutNumber(english); ok {
		return s.say(stem) + " " + number
	}
	if s.missed != nil {
		s.missed(english)
	}
	return english
}

// fill puts parts into a pattern. Those inside the text pass through inner.
func fill(pattern string, parts []string, inner func(string) string) string {
	texts := make([]any, len(parts))
	for i, part := range parts {
		if inner != nil && (i > 0 || !strings.HasPrefix(pattern, "%")) {
			part = inner(part)
		}
		texts[i] = part
	}
	return fmt.Sprintf(pattern, texts...)
}

// cutNumber cuts the number off the end of a text: Burner 1.
func cutNumber(text string) (stem, number string, ok bool) {
	i := strings.LastIndexByte(text, ' ')
	if i <= 0 {
		return "", "", false
	}
	_, err := strconv.Atoi(text[i+1:])
	return text[:i], text[i+1:], err == nil
}
