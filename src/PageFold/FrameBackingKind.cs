namespace PageFold;

/// <summary>The source of the memory of a pool or store.</summary>
public enum FrameBackingKind
{
    /// <summary>The best the operating system offers: <see cref="Anonymous"/> on 64-bit Linux, <see cref="Portable"/> elsewhere.</summary>
    Default,

    /// <summary>Private anonymous memory; single frames go back to the system.</summary>
    /// <remarks>Linux only.</remarks>
    Anonymous,

    /// <summary>A file in memory (memfd), which page-table windows can map a second time.</summary>
    /// <remarks>Linux only.</remarks>
    SharedMemory,

    /// <summary>Aligned native memory in segments of up to 16 frames.</summary>
    /// <remarks>Runs everywhere; a segment goes back when all its frames are free.</remarks>
    Portable,
}
