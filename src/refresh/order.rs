//! In which order answers count: by their questions. A dump that took long must not undo what was
//! asked for later and answered sooner.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::sync::{Mutex, rank};
use crate::source::About;

/// The questions about one kind of thing that have no answer yet, and the answers that may be
/// newer than theirs.
#[derive(Default)]
pub struct Order {
    state: Mutex<State, { rank::QUESTIONS }>,
}

#[derive(Default)]
struct State {
    asked: u64,
    open: BTreeSet<u64>,
    answers: BTreeMap<u64, About>,
}

/// A question, from when it is asked to when its answer has been taken in, or was given up.
pub struct Question<'a> {
    order: &'a Order,
    number: u64,
}

impl Order {
    pub fn ask(&self) -> Question<'_> {
        let mut state = self.state.lock();
        state.asked += 1;
        let number = state.asked;
        state.open.insert(number);
        Question { order: self, number }
    }
}

impl Question<'_> {
    /// Notes that an answer is being taken in, and tells what of it is too old.
    /// To be called in the order in which answers are taken in; a question may have several.
    pub fn answered(&self, about: About) -> About {
        let mut state = self.order.state.lock();
        let newer = state.answers.range(self.number + 1..).map(|(_, answer)| answer.clone());
        let newer = newer.fold(NOTHING, both);
        // Only what somebody may still bring an older answer about.
        if state.open.first().is_some_and(|first| *first < self.number) {
            let before = state.answers.remove(&self.number).unwrap_or(NOTHING);
            state.answers.insert(self.number, both(before, about));
        }
        newer
    }
}

const NOTHING: About = About::Names(BTreeSet::new());

/// What one of two answers is about, or both are.
fn both(one: About, other: About) -> About {
    match (one, other) {
        (About::Everything, _) | (_, About::Everything) => About::Everything,
        (About::Names(mut names), About::Names(more)) => {
            names.extend(more);
            About::Names(names)
        }
        (About::EverythingBut(but), About::Names(names))
        | (About::Names(names), About::EverythingBut(but)) => {
            About::EverythingBut(but.difference(&names).cloned().collect())
        }
        (About::EverythingBut(but), About::EverythingBut(too)) => {
            About::EverythingBut(but.intersection(&too).cloned().collect())
        }
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        let mut state = self.order.state.lock();
        state.open.remove(&self.number);
        let first = state.open.first().copied();
        state.answers.retain(|number, _| first.is_some_and(|first| first < *number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> About {
        About::Names(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn the_later_question_counts() {
        let order = Order::default();
        let slow = order.ask();
        let quick = order.ask();
        assert_eq!(quick.answered(names(&["a", "b"])), NOTHING);
        drop(quick);
        let another = order.ask();
        assert_eq!(another.answered(names(&["c"])), NOTHING);
        drop(another);
        assert_eq!(slow.answered(About::Everything), names(&["a", "b", "c"]));
        drop(slow);
        assert!(order.state.lock().answers.is_empty(), "nothing is remembered in vain");
        assert_eq!(order.ask().answered(About::Everything), NOTHING);
    }

    #[test]
    fn all_answers_of_a_question_count() {
        let order = Order::default();
        let (slow, quick) = (order.ask(), order.ask());
        assert_eq!(quick.answered(names(&["a"])), NOTHING);
        assert_eq!(quick.answered(names(&["b"])), NOTHING);
        assert_eq!(slow.answered(names(&["a", "b", "c"])), names(&["a", "b"]));
    }

    #[test]
    fn everything_makes_all_that_was_asked_for_before_too_old() {
        let order = Order::default();
        let (slow, whole) = (order.ask(), order.ask());
        assert_eq!(whole.answered(About::Everything), NOTHING);
        assert_eq!(slow.answered(names(&["a"])), About::Everything);
        drop((slow, whole));
        assert!(order.state.lock().open.is_empty());
    }

    #[test]
    fn what_another_source_tells_of_is_left_to_it() {
        let but = |names: &[&str]| {
            About::EverythingBut(names.iter().map(|name| (*name).to_owned()).collect())
        };
        let order = Order::default();
        let (slow, whole, other) = (order.ask(), order.ask(), order.ask());
        assert_eq!(whole.answered(but(&["a", "b"])), NOTHING);
        assert_eq!(slow.answered(names(&["a", "c"])), but(&["a", "b"]));
        assert_eq!(other.answered(names(&["a"])), NOTHING);
        assert_eq!(slow.answered(names(&["a", "c"])), but(&["b"]), "one of them has answered");
        assert_eq!(both(but(&["a", "b"]), but(&["b", "c"])), but(&["b"]));
    }
}
