//! Whatever servers say in whatever order: the promises that no sequence may break.

use proptest::prelude::*;

use super::*;

/// What one server does in one round.
#[derive(Debug, Clone)]
enum Does {
    Hangs,
    Fails,
    /// It sees this view, of these members and states, with this primary, and may take writes.
    Says {
        bootstrap: u64,
        changes: u64,
        members: Vec<(u16, MemberState)>,
        primary: u16,
        writes: bool,
    },
    /// It is in no group.
    Leaves {
        writes: bool,
    },
}

fn state() -> impl Strategy<Value = MemberState> {
    prop_oneof![
        6 => Just(MemberState::Online),
        1 => Just(MemberState::Recovering),
        1 => Just(MemberState::Unreachable),
        1 => Just(MemberState::Error),
    ]
}

fn does() -> impl Strategy<Value = Does> {
    let members = proptest::collection::vec(state(), 5);
    let says = (
        prop_oneof![9 => Just(100_u64), 1 => Just(200)],
        1..6_u64,
        members,
        1..=5_u16,
        any::<bool>(),
    )
        .prop_map(|(bootstrap, changes, states, primary, writes)| {
            // The members of a view follow from its number.
            let members = (1..=5_u16)
                .zip(states)
                .filter(|(member, _)| (changes + u64::from(*member)) % 4 != 0)
                .collect();
            Does::Says { bootstrap, changes, members, primary, writes }
        });
    prop_oneof![
        1 => Just(Does::Hangs),
        1 => Just(Does::Fails),
        1 => any::<bool>().prop_map(|writes| Does::Leaves { writes }),
        6 => says,
    ]
}

fn reply(number: u16, does: &Does, kind: Kind) -> Reply {
    let opinion = match does {
        Does::Hangs => return pending(number),
        Does::Fails => return silent(number),
        Does::Leaves { writes } => server(number, *writes),
        Does::Says { bootstrap, changes, members, primary, writes } => View {
            name: "group",
            bootstrap: *bootstrap,
            changes: *changes,
            members: members.clone(),
            primary: Some(*primary),
            single_primary: true,
            writable: if *writes { vec![number] } else { vec![] },
        }
        .by(number),
    };
    match kind {
        Kind::InnodbCluster => says(number, with(opinion, &cluster(&[1, 2, 3, 4, 5]))),
        _ => says(number, opinion),
    }
}

/// The view of a member by its own word.
fn view_of(reply: &Reply) -> Option<(ViewId, usize)> {
    let Outcome::Opinion(opinion) = &reply.outcome else { return None };
    let view = opinion.group.as_ref()?;
    let own = view.members.iter().find(|member| member.uuid == opinion.uuid)?;
    let is_in = matches!(own.state, MemberState::Online | MemberState::Recovering);
    is_in.then_some((view.view_id?, view.members.len()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_sequence_breaks_the_promises(
        kind in prop_oneof![
            Just(Kind::GroupReplication), Just(Kind::InnodbCluster), Just(Kind::Auto), Just(Kind::Replication),
        ],
        rounds in proptest::collection::vec(
            (proptest::collection::vec(does(), 5), Just([1_u16, 2, 3, 4, 5]).prop_shuffle()), 1..12),
    ) {
        let mut group = Rounds::new(kind, &[1, 2, 3, 4, 5]);
        let mut newest: Option<ViewId> = None;
        for (does, order) in rounds {
            let final_replies: Vec<Reply> =
                (1..).zip(&does).map(|(number, does)| reply(number, does, kind)).collect();
            // The replies come in one after the other.
            let mut replies: Vec<Reply> = (1..=5).map(pending).collect();
            let mut decided = None;
            for number in order {
                let at = usize::from(number) - 1;
                replies[at] = final_replies[at].clone();
                if let Judgement::Decided(verdict) = group.judge(&replies) {
                    decided = Some(verdict);
                    break;
                }
            }
            if decided.is_none() {
                // Who hangs has no time left.
                for (reply, number) in replies.iter_mut().zip(1..) {
                    if reply.outcome == Outcome::Pending {
                        *reply = silent(number);
                    }
                }
                match group.judge(&replies) {
                    Judgement::Decided(verdict) => decided = Some(verdict),
                    Judgement::Keep { .. } => {
                        let opinion = |reply: &Reply| matches!(reply.outcome, Outcome::Opinion(_));
                        prop_assert!(!replies.iter().any(opinion), "somebody answered");
                    }
                    Judgement::Undecided { ask } => {
                        prop_assert!(false, "undecided for ever, asks {ask:?}");
                    }
                }
            }
            let Some(verdict) = decided else { continue };
            let found = Found::of(verdict);
            let is_group = kind == Kind::GroupReplication || kind == Kind::InnodbCluster;
            if let Some(primary) = found.primary {
                let word = &replies[usize::from(primary) - 1];
                let Outcome::Opinion(opinion) = &word.outcome else {
                    return Err(TestCaseError::fail("the primary said nothing"));
                };
                prop_assert!(opinion.is_writable(), "the primary takes no writes");
                if is_group {
                    let (id, _) = view_of(word).expect("the primary is in the group");
                    let seen: Vec<(ViewId, usize)> = replies.iter().filter_map(view_of)
                        .filter(|(seen, _)| seen.bootstrap == id.bootstrap).collect();
                    let (view, size) = *seen.iter().max().expect("its own");
                    prop_assert!(seen.len() * 2 > size, "no majority has spoken");
                    prop_assert!(newest.is_none_or(|newest| view >= newest), "an older view");
                    newest = Some(view);
                }
            }
            for secondary in &found.secondaries {
                let reply = &replies[usize::from(*secondary) - 1];
                prop_assert!(!matches!(reply.outcome, Outcome::Silent(_)), "one that is gone is read");
                if is_group && matches!(reply.outcome, Outcome::Opinion(_)) {
                    prop_assert!(view_of(reply).is_some(), "one that left is read");
                }
            }
        }
    }
}
