namespace PageFold;

/// <summary>The way in which <see cref="ZsPool.Map"/> makes a straddling object contiguous.</summary>
public enum MappingKind
{
    /// <summary>Copies the object to a buffer, and back after writing.</summary>
    /// <remarks>Runs everywhere, and is by far the faster way.</remarks>
    Copy,

    /// <summary>Maps the object's two frames to two adjacent virtual pages, as the kernel's zsmalloc once did.</summary>
    /// <remarks>
    /// Nothing is copied, and what the caller writes is in the object at once. A mapping takes two system calls to map and two to unmap,
    /// many times the time of a copy. Requires 64-bit Linux, frames of the system's page size and
    /// <see cref="FrameBackingKind.SharedMemory"/>. Where the system refuses, or no window is free, the object is copied.
    /// </remarks>
    Window,
}
