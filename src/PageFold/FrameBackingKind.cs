namespace PageFold;

/// <summary>Where a pool or store takes its memory from.</summary>
public enum FrameBackingKind
{
    /// <summary>The best the operating system offers: <see cref="Anonymous"/> on 64-bit Linux, <see cref="Portable"/> elsewhere.</summary>
    Default,

    /// <summary>Private anonymous memory; single frames go back to the system. Linux only.</summary>
    Anonymous,

    /// <summary>A file in memory (memfd), which page-table windows can map a second time. Linux only.</summary>
    SharedMemory,

    /// <summary>Aligned native memory in segments of up to 16 frames; runs everywhere, a segment goes back when all its frames are free.</summary>
    Portable,
}
