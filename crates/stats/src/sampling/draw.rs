//! A draw without replacement that anybody can repeat.

use crate::random::mixed;

/// Returns which `n` items are drawn, by their places, in the order of their keys: those with the smallest keys.
///
/// Of equal keys the first comes first. With keys that nobody could foresee (a digest of a committed seed and the item) every
/// sample is as likely as any other; the order of the items plays no part, one that is added or taken away changes only its
/// own place, and whoever has the keys can repeat the draw by sorting. More than there are draws all.
pub fn draw<K: Ord>(keys: &[K], n: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..keys.len()).collect();
    let by_key = |place: &usize| (&keys[*place], *place);
    if n < places.len() {
        places.select_nth_unstable_by(n, |one, other| by_key(one).cmp(&by_key(other)));
        places.truncate(n);
    }
    places.sort_unstable_by(|one, other| by_key(one).cmp(&by_key(other)));
    places
}

/// Returns a key for each item, given as a number such as the first bytes of its digest.
///
/// The key is `mixed(mixed(item + seed) + seed * 0x9e3779b97f4a7c15 + 1)`, modulo 2^64, with
/// [`mixed`](crate::random::mixed). It serves simulation and rehearsal; where somebody could gain by foreseeing the draw, the
/// keys must come from a cryptographic hash.
pub fn keys(seed: u64, items: &[u64]) -> Vec<u64> {
    let step = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    items.iter().map(|item| mixed(mixed(item.wrapping_add(seed)).wrapping_add(step))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn the_smallest_keys_are_drawn_in_their_order() {
        assert_eq!(draw(&[30, 10, 20, 10], 3), [1, 3, 2]);
        assert_eq!(draw(&[30, 10], 9), [1, 0]);
        assert_eq!(draw(&["b", "a"], 0), Vec::<usize>::new());
        // The rule as written, by hand for one item.
        assert_eq!(
            keys(7, &[5]),
            [mixed(mixed(12).wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(7).wrapping_add(1)))]
        );
    }

    #[test]
    fn every_item_is_drawn_as_often_as_any_other() {
        let items: Vec<u64> = (0..20).collect();
        let mut times = [0_u32; 20];
        for seed in 0..4_000 {
            for place in draw(&keys(seed, &items), 5) {
                times[place] += 1;
            }
        }
        // A quarter of 4,000, less and plus four standard deviations of 27.
        assert!(times.iter().all(|times| (890..1_110).contains(times)), "{times:?}");
    }

    proptest! {
        #[test]
        fn the_order_of_the_items_and_one_more_of_them_change_nothing_else(items in vec(any::<u64>(), 1..40), n in 0_usize..40, seed in any::<u64>()) {
            let mut items = items;
            items.sort_unstable();
            items.dedup();
            let drawn = |items: &[u64]| -> Vec<u64> { draw(&keys(seed, items), n).into_iter().map(|place| items[place]).collect() };
            let turned: Vec<u64> = items.iter().rev().copied().collect();
            prop_assert_eq!(drawn(&items), drawn(&turned));
            let fewer = &items[1..];
            let kept: Vec<u64> = drawn(&items).into_iter().filter(|item| *item != items[0]).collect();
            prop_assert_eq!(&drawn(fewer)[..kept.len()], &kept[..]);
        }
    }
}
