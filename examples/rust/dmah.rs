// SPDX-License-Identifier: MIT OR GPL-2.0-only
//! The handle API of dmah for a driver in Rust: declarations, and one safe wrapper.
//!
//! Functions that dmah/dmah.h has inline are symbols of the library too. Devices and domains are opaque here: C code of
//! the kernel sets them up (setup.c). In a library that is not built with the default options, the names of dmah_map() and
//! some others carry the options: see dmah/config.h.

use core::ffi::c_void;

/// A handle: one mapping. All zero is idle. Keep it out of memory that a device can reach.
#[repr(C)]
#[derive(Default)]
pub struct Dmah {
    dma: u64,
    phys: u64,
    backend: u64,
    len: u32,
    meta: u32,
}

/// A device, as C code attached it.
#[repr(C)]
pub struct Device {
    _opaque: [u8; 0],
}

pub const TO_DEVICE: i32 = 1;
pub const FROM_DEVICE: i32 = 2;

extern "C" {
    pub fn dmah_map(dev: *mut Device, h: *mut Dmah, phys: u64, len: u64, dir: i32, attrs: u32) -> i32;
    pub fn dmah_map_page(dev: *mut Device, h: *mut Dmah, page: u64, offset: u32, len: u64, dir: i32) -> i32;
    pub fn dmah_map_single(dev: *mut Device, h: *mut Dmah, cpu: *const c_void, len: u64, dir: i32) -> i32;
    pub fn dmah_unmap(dev: *mut Device, h: *mut Dmah) -> i32;
    pub fn dmah_move(dst: *mut Dmah, src: *mut Dmah) -> i32;
    pub fn dmah_addr(h: *const Dmah) -> u64;
    pub fn dmah_mapped(h: *const Dmah) -> bool;
    pub fn dmah_length(h: *const Dmah) -> u32;
    pub fn dmah_direction(h: *const Dmah) -> i32;
    pub fn dmah_sync_for_cpu(dev: *mut Device, h: *const Dmah, off: u32, len: u32) -> i32;
    pub fn dmah_sync_for_device(dev: *mut Device, h: *const Dmah, off: u32, len: u32) -> i32;
    pub fn dmah_strerror(err: i32) -> *const i8;
}

/// A buffer of the driver while the device owns it: unmapped when it goes out of scope.
pub struct Mapping<'a> {
    dev: *mut Device,
    h: Dmah,
    buffer: &'a mut [u8],
}

impl<'a> Mapping<'a> {
    /// Map a buffer that is physically contiguous and for which dmah_host_virt_to_phys() holds.
    ///
    /// # Safety
    /// `dev` is attached, and stays so while the mapping lives.
    pub unsafe fn new(dev: *mut Device, buffer: &'a mut [u8], dir: i32) -> Result<Self, i32> {
        let mut h = Dmah::default();
        match dmah_map_single(dev, &mut h, buffer.as_ptr().cast(), buffer.len() as u64, dir) {
            0 => Ok(Mapping { dev, h, buffer }),
            err => Err(err),
        }
    }

    /// The address for the device's descriptor.
    pub fn addr(&self) -> u64 {
        unsafe { dmah_addr(&self.h) }
    }

    pub fn len(&self) -> u32 {
        unsafe { dmah_length(&self.h) }
    }

    /// Read the bytes that the device wrote so far, while the mapping stays.
    pub fn read(&mut self, off: u32, len: u32) -> Result<&[u8], i32> {
        match unsafe { dmah_sync_for_cpu(self.dev, &self.h, off, len) } {
            0 => Ok(&self.buffer[off as usize..(off + len) as usize]),
            err => Err(err),
        }
    }

    /// End the mapping. An error means that the memory must not be used again.
    pub fn end(mut self) -> Result<(), i32> {
        match unsafe { dmah_unmap(self.dev, &mut self.h) } {
            0 => Ok(()),
            err => Err(err),
        }
    }
}

impl Drop for Mapping<'_> {
    fn drop(&mut self) {
        // An idle handle is a no-op.
        unsafe { dmah_unmap(self.dev, &mut self.h) };
    }
}
