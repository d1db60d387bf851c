import { makeAddZoneKey } from './usecase/add-zone-key.ts';
import { makeRepeatable } from './usecase/answer-once.ts';
import { makeAuthenticate } from './usecase/authenticate.ts';
import { makeChangeAccount } from './usecase/change-account.ts';
import { makeChangeCallerKeys } from './usecase/change-caller-keys.ts';
import { makeCreateCard } from './usecase/create-card.ts';
import { makeDisableCaller } from './usecase/disable-caller.ts';
import { makeInquireNumber } from './usecase/inquire-number.ts';
import { makeInquireToken } from './usecase/inquire-token.ts';
import { makeManageCallers } from './usecase/manage-callers.ts';
import { makeReadAuditRecords } from './usecase/read-audit-records.ts';
import { makeRecordRefusal } from './usecase/record-refusal.ts';
import { makeRegister } from './usecase/register.ts';
import { makeReissueCard } from './usecase/reissue-card.ts';
import { makeRenewCard } from './usecase/renew-card.ts';
import { makeRotateCaller } from './usecase/rotate-caller.ts';
import { makeSetBait } from './usecase/set-bait.ts';
import { makeValidateCard } from './usecase/validate-card.ts';

type Deps = Parameters<typeof makeAuthenticate>[0] &
  Parameters<typeof makeCreateCard>[0] &
  Parameters<typeof makeInquireNumber>[0] &
  Parameters<typeof makeRegister>[0] &
  Parameters<typeof makeReadAuditRecords>[0] &
  Parameters<typeof makeAddZoneKey>[0];

/** All that the service can do, made of its parts. */
export type UseCases = ReturnType<typeof makeUseCases>;

/** Hands the parts to every use case; part of the composition root. */
export function makeUseCases(deps: Deps) {
  return {
    authenticate: makeAuthenticate(deps),
    createCard: makeCreateCard(deps),
    inquireToken: makeInquireToken(deps),
    inquireNumber: makeInquireNumber(deps),
    reissueCard: makeReissueCard(deps),
    renewCard: makeRenewCard(deps),
    changeAccount: makeChangeAccount(deps),
    recordRefusal: makeRecordRefusal(deps),
    makeRepeatable: makeRepeatable(deps.credentials),
    register: makeRegister(deps),
    rotateCaller: makeRotateCaller(deps),
    disableCaller: makeDisableCaller(deps),
    changeCallerKeys: makeChangeCallerKeys(deps),
    addZoneKey: makeAddZoneKey(deps),
    setBait: makeSetBait(deps),
    validateCard: makeValidateCard(deps),
    readAuditRecords: makeReadAuditRecords(deps),
    manageCallers: makeManageCallers(deps),
  };
}
