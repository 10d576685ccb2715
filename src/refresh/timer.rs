//! What a handle asks in its own time: of two sources each has a timer.

/// What is asked in its own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// Shard maps, and groups, too, unless those have a source of their own.
    Main,
    /// Groups that have a source of their own.
    Groups,
}

impl Timer {
    pub(crate) const ALL: [Self; 2] = [Self::Main, Self::Groups];
}

/// A value for each timer.
#[derive(Debug, Default, Clone, Copy)]
pub struct EachTimer<T> {
    pub main: T,
    pub groups: T,
}

impl<T> EachTimer<T> {
    pub fn of(&self, timer: Timer) -> &T {
        match timer {
            Timer::Main => &self.main,
            Timer::Groups => &self.groups,
        }
    }

    pub fn of_mut(&mut self, timer: Timer) -> &mut T {
        match timer {
            Timer::Main => &mut self.main,
            Timer::Groups => &mut self.groups,
        }
    }

    pub fn any(&self, is: impl Fn(&T) -> bool) -> bool {
        is(&self.main) || is(&self.groups)
    }
}
