namespace PageFold.TlbLab;

/// <summary>A processor architecture as Linux uses it: what its TLBs may cache of a window, and what its manual forbids.</summary>
/// <remarks>Immutable.</remarks>
public sealed record Architecture
{
    private Architecture(string name) => Name = name;

    /// <summary>x86-64: the hardware walks the page table at any time and caches present entries only.</summary>
    public static Architecture X64 { get; } = new("x86-64");

    /// <summary>PPC64 with the hash MMU: the hardware reads a hash table that all processors share; software fills it on a fault.</summary>
    public static Architecture Ppc64Hash { get; } = new("ppc64-hash") { HasHashTable = true, ForbidsSetOverValid = true };

    /// <summary>PPC64 with the radix MMU, POWER9 and later: the hardware walks the page table; setting an entry needs a barrier.</summary>
    public static Architecture Ppc64Radix { get; } = new("ppc64-radix") { NeedsBarrierAfterSet = true, ForbidsSetOverValid = true };

    /// <summary>32-bit ARMv7: break before make, and no barrier in set_pte_at.</summary>
    /// <remarks>Entries that are set for an address of user space are tagged with an address space.</remarks>
    public static Architecture Armv7 { get; } = new("armv7")
    {
        NeedsBarrierAfterSet = true,
        SetHasNoBarrier = true,
        NeedsBreakBeforeMake = true,
        TagsLowAddresses = true,
    };

    /// <summary>64-bit ARM: break before make; set_pte_at contains the barrier.</summary>
    public static Architecture Arm64 { get; } = new("arm64") { NeedsBarrierAfterSet = true, NeedsBreakBeforeMake = true };

    /// <summary>RISC-V: TLBs may cache invalid entries too.</summary>
    public static Architecture Riscv64 { get; } = new("riscv64") { RemembersInvalid = true };

    /// <summary>s390: a valid entry may only be changed by the instruction that invalidates it on all processors.</summary>
    /// <remarks>Get-and-clear uses that instruction where another processor is attached, as is always the case here.</remarks>
    public static Architecture S390x { get; } = new("s390x") { ClearInvalidatesEverywhere = true, ForbidsRawChange = true };

    /// <summary>All architectures, in the order of tables.</summary>
    public static IReadOnlyList<Architecture> All { get; } = [X64, Ppc64Hash, Ppc64Radix, Armv7, Arm64, Riscv64, S390x];

    /// <summary>The name in tables and options.</summary>
    public string Name { get; }

    /// <summary>True if the TLBs hold what a hash table shared by all processors holds.</summary>
    /// <remarks>
    /// Software inserts into the table on a fault and records that in the page-table entry. Each removal from the table removes the entry
    /// from all TLBs too.
    /// </remarks>
    public bool HasHashTable { get; private init; }

    /// <summary>True if TLBs may cache invalid entries.</summary>
    public bool RemembersInvalid { get; private init; }

    /// <summary>True if ptep_get_and_clear of a valid entry removes it from all TLBs.</summary>
    public bool ClearInvalidatesEverywhere { get; private init; }

    /// <summary>True if an entry that was set may be invisible until a barrier.</summary>
    public bool NeedsBarrierAfterSet { get; private init; }

    /// <summary>True if set_pte_at leaves that barrier to its caller.</summary>
    public bool SetHasNoBarrier { get; private init; }

    /// <summary>True if an address must not get a new translation while any TLB holds another one.</summary>
    public bool NeedsBreakBeforeMake { get; private init; }

    /// <summary>True if a valid entry must not be overwritten by setting.</summary>
    public bool ForbidsSetOverValid { get; private init; }

    /// <summary>True if a valid entry must not be changed by an ordinary store.</summary>
    public bool ForbidsRawChange { get; private init; }

    /// <summary>True if an entry that is set for a user-space address is tagged, so that a flush of a kernel address misses it.</summary>
    public bool TagsLowAddresses { get; private init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
