// SPDX-License-Identifier: MIT OR GPL-2.0-only
//! A driver's receive path in Rust: every function of the handle API, the inline ones of dmah/dmah.h included.

mod dmah;

use core::ffi::c_void;
use dmah::*;

extern "C" {
    fn setup_device() -> *mut Device;
    fn setup_memory() -> *mut u8;
    fn setup_device_writes(dma: u64, data: *const c_void, len: usize);
    fn setup_live(dev: *const Device) -> u64;
    fn dmah_host_virt_to_phys(cpu: *const c_void) -> u64;
}

fn device_writes(dma: u64, data: &[u8]) {
    unsafe { setup_device_writes(dma, data.as_ptr().cast(), data.len()) }
}

/// Receive into a buffer through the safe wrapper. `offset` decides if the buffer crosses a page, and so bounces.
fn receive(dev: *mut Device, offset: usize) -> Result<bool, i32> {
    let buffer = unsafe { core::slice::from_raw_parts_mut(setup_memory().add(offset), 64) };
    let phys = unsafe { dmah_host_virt_to_phys(buffer.as_ptr().cast()) };
    let mut mapping = unsafe { Mapping::new(dev, buffer, FROM_DEVICE)? };
    assert_eq!(mapping.len(), 64);
    device_writes(mapping.addr(), b"hello");
    assert_eq!(mapping.read(0, 5)?, b"hello");
    let bounced = mapping.addr() != phys;
    mapping.end()?;
    Ok(bounced)
}

/// The same functions by hand, and what must be refused.
fn by_hand(dev: *mut Device) {
    unsafe {
        let page = dmah_host_virt_to_phys(setup_memory().cast());
        let mut h = Dmah::default();
        let mut other = Dmah::default();
        assert!(!dmah_mapped(&h));
        assert_eq!(dmah_map(dev, &mut h, page, 0, TO_DEVICE, 0), -1);
        assert_eq!(dmah_map_page(dev, &mut h, page, 128, 256, TO_DEVICE), 0);
        assert!(dmah_mapped(&h));
        assert_eq!(dmah_addr(&h), page + 128);
        assert_eq!(dmah_length(&h), 256);
        assert_eq!(dmah_direction(&h), TO_DEVICE);
        assert_eq!(dmah_sync_for_device(dev, &h, 0, 256), 0);
        assert_eq!(dmah_move(&mut other, &mut h), 0);
        assert!(!dmah_mapped(&h) && dmah_mapped(&other));
        assert_eq!(dmah_unmap(dev, &mut h), 0);
        assert_eq!(dmah_unmap(dev, &mut other), 0);
        assert!(!dmah_strerror(-1).is_null());
    }
}

fn main() {
    assert_eq!(core::mem::size_of::<Dmah>(), 32);
    let dev = unsafe { setup_device() };
    assert!(!dev.is_null());
    assert_eq!(receive(dev, 0x100), Ok(false));
    assert_eq!(receive(dev, 0xff0), Ok(true));
    by_hand(dev);
    // The wrapper unmaps what was not ended.
    let buffer = unsafe { core::slice::from_raw_parts_mut(setup_memory(), 64) };
    {
        let _mapping = unsafe { Mapping::new(dev, buffer, TO_DEVICE) };
        assert_eq!(unsafe { setup_live(dev) }, 1);
    }
    assert_eq!(unsafe { setup_live(dev) }, 0);
    println!("the handle API works from Rust");
}
