namespace PageFold.TlbLab;

/// <summary>How a processor architecture, as Linux drives it, translates the addresses of a window: what its TLBs may remember, and what its manual forbids. Immutable.</summary>
public sealed record Architecture
{
    private Architecture(string name) => Name = name;

    /// <summary>x86-64: the hardware walks the page table, remembers present entries only, and may do so at any time.</summary>
    public static Architecture X64 { get; } = new("x86-64");

    /// <summary>PPC64 with the hash MMU: the hardware reads a hash table shared by all processors, which software fills when an access faults.</summary>
    public static Architecture Ppc64Hash { get; } = new("ppc64-hash") { HasHashTable = true, ForbidsSetOverValid = true };

    /// <summary>PPC64 with the radix MMU, POWER9 and later: a hardware walk, and a barrier after an entry is set.</summary>
    public static Architecture Ppc64Radix { get; } = new("ppc64-radix") { NeedsBarrierAfterSet = true, ForbidsSetOverValid = true };

    /// <summary>32-bit ARMv7: break before make, no barrier in set_pte_at, and entries that are tagged with an address space if they are set for an address of user space.</summary>
    public static Architecture Armv7 { get; } = new("armv7") { NeedsBarrierAfterSet = true, SetHasNoBarrier = true, NeedsBreakBeforeMake = true, TagsLowAddresses = true };

    /// <summary>64-bit ARM: break before make; set_pte_at has its barrier.</summary>
    public static Architecture Arm64 { get; } = new("arm64") { NeedsBarrierAfterSet = true, NeedsBreakBeforeMake = true };

    /// <summary>RISC-V: invalid entries may be remembered too.</summary>
    public static Architecture Riscv64 { get; } = new("riscv64") { RemembersInvalid = true };

    /// <summary>s390: a valid entry may only be changed by the instruction that invalidates it everywhere, which get-and-clear uses where another processor is attached; two always are here.</summary>
    public static Architecture S390x { get; } = new("s390x") { ClearInvalidatesEverywhere = true, ForbidsRawChange = true };

    /// <summary>All, in the order of tables.</summary>
    public static IReadOnlyList<Architecture> All { get; } = [X64, Ppc64Hash, Ppc64Radix, Armv7, Arm64, Riscv64, S390x];

    /// <summary>The name in tables and options.</summary>
    public string Name { get; }

    /// <summary>The TLBs hold what a hash table shared by all processors holds. Software inserts there on a fault and keeps in the page-table entry that it did; every removal removes from all TLBs too.</summary>
    public bool HasHashTable { get; private init; }

    /// <summary>Invalid entries may be remembered.</summary>
    public bool RemembersInvalid { get; private init; }

    /// <summary>ptep_get_and_clear of a valid entry removes it from all TLBs.</summary>
    public bool ClearInvalidatesEverywhere { get; private init; }

    /// <summary>An entry that was set may not be seen before a barrier.</summary>
    public bool NeedsBarrierAfterSet { get; private init; }

    /// <summary>set_pte_at leaves that barrier to its caller.</summary>
    public bool SetHasNoBarrier { get; private init; }

    /// <summary>An address may not have a new translation while any TLB holds another one.</summary>
    public bool NeedsBreakBeforeMake { get; private init; }

    /// <summary>A valid entry may not be set over.</summary>
    public bool ForbidsSetOverValid { get; private init; }

    /// <summary>A valid entry may not be changed by an ordinary store.</summary>
    public bool ForbidsRawChange { get; private init; }

    /// <summary>An entry set for an address below the kernel's is tagged with the address space, and a flush of a kernel address misses it.</summary>
    public bool TagsLowAddresses { get; private init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
