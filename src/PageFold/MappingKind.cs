using System.Diagnostics.CodeAnalysis;
using PageFold.Mapping;

namespace PageFold;

/// <summary>
/// How <see cref="ZsPool.Map"/> makes a straddling object contiguous. For study: windows cost many times what a copy does.
/// </summary>
[Experimental(MappingKinds.ForStudy)]
public enum MappingKind
{
    /// <summary>In a buffer: copied in for reading, and back after writing. Runs everywhere, and is by far the faster one.</summary>
    Copy,

    /// <summary>
    /// Through two adjacent virtual pages that are pointed at the object's two frames, as the kernel's zsmalloc once did: nothing is
    /// copied, and what is written is in the object at once. Takes two system calls to map and two to unmap, many times the time of a copy.
    /// Needs 64-bit Linux, frames of the system's page size, and <see cref="FrameBackingKind.SharedMemory"/>. Where the system refuses, or
    /// no window is free, a map is a copy.
    /// </summary>
    Window,
}
