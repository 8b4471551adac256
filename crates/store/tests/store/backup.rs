//! Backing up beside a store that is open, and putting a copy in place of lost data.

use std::fs;

use remit_store::{
    Options, Store, StoreError, back_up, place,
    testing::{TestDir, skips_folders},
};

use crate::given::{Fresh, SCOPE, step};

async fn steps(store: &Store) -> usize {
    store.events(SCOPE, "case/a", None).await.unwrap().len()
}

/// Returns a folder that holds a copy of what the store has at this moment.
fn copy_of(fresh: &Fresh) -> TestDir {
    let copy = TestDir::fresh();
    fs::create_dir_all(copy.path()).unwrap();
    let mut told = (0, 0);
    back_up(fresh.dir.path(), &copy.path().join("remit.db"), |done, total| told = (done, total)).unwrap();
    assert!(told.0 > 0 && told.0 == told.1, "{told:?}");
    copy
}

#[tokio::test]
async fn a_backup_beside_an_open_store_is_what_one_moment_left() {
    if skips_folders() {
        return;
    }
    let fresh = Fresh::new().await;
    fresh.store.commit(step("case/a", 1)).await.unwrap();
    let copy = copy_of(&fresh);
    fresh.store.commit(step("case/a", 2)).await.unwrap();
    let copied = Store::open(copy.path(), Options::default()).unwrap();
    assert_eq!((steps(&copied).await, steps(&fresh.store).await), (1, 2));
}

#[tokio::test]
async fn a_folder_without_data_cannot_be_backed_up() {
    if skips_folders() {
        return;
    }
    let (empty, to) = (TestDir::fresh(), TestDir::fresh());
    assert!(matches!(back_up(empty.path(), to.path(), |_, _| {}), Err(StoreError::File { .. })));
    assert!(!empty.path().exists());
}

#[tokio::test]
async fn a_copy_takes_the_place_of_data_that_is_kept_beside_it() {
    if skips_folders() {
        return;
    }
    let fresh = Fresh::new().await;
    fresh.store.commit(step("case/a", 1)).await.unwrap();
    let copy = copy_of(&fresh);
    fresh.store.commit(step("case/a", 2)).await.unwrap();
    assert!(matches!(place(copy.path(), fresh.dir.path(), "old"), Err(StoreError::Held { .. })));

    let Fresh { store, dir } = fresh;
    drop(store);
    let kept = place(copy.path(), dir.path(), "old").unwrap();
    assert_eq!(kept, Some(dir.path().join("remit.db.old")));
    assert_eq!(steps(&Store::open(dir.path(), Options::default()).unwrap()).await, 1);

    let old = TestDir::fresh();
    fs::create_dir_all(old.path()).unwrap();
    fs::rename(dir.path().join("remit.db.old"), old.path().join("remit.db")).unwrap();
    assert_eq!(steps(&Store::open(old.path(), Options::default()).unwrap()).await, 2);
}

#[tokio::test]
async fn what_a_dead_process_left_in_its_log_goes_aside_with_its_file() {
    if skips_folders() {
        return;
    }
    let fresh = Fresh::new().await;
    fresh.store.commit(step("case/a", 1)).await.unwrap();
    let copy = copy_of(&fresh);
    let target = TestDir::fresh();
    fs::create_dir_all(target.path()).unwrap();
    for ending in ["", "-wal", "-shm"] {
        fs::write(target.path().join(format!("remit.db{ending}")), "of another life").unwrap();
    }
    place(copy.path(), target.path(), "old").unwrap();
    assert!(target.path().join("remit.db.old-wal").exists());
    assert_eq!(steps(&Store::open(target.path(), Options::default()).unwrap()).await, 1);
}
