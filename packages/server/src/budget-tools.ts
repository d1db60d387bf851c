import type { BudgetTools } from './cli/budget.ts';
import { random } from './keys/random.ts';
import type { Service } from './service.ts';

/** What `pantoken budget` does, put together. @param open a service that is not listening. */
export function budgetTools(open: (home: string) => Promise<Service>): BudgetTools {
  const using = async <T>(
    home: string,
    work: (lifts: Service['audit']['liftBudget']) => Promise<T>,
  ): Promise<T> => {
    const service = await open(home);
    try {
      return await work(service.audit.liftBudget);
    } finally {
      await service.close();
    }
  };
  return {
    request: (home, operator, request) =>
      using(home, (lifts) => lifts.request(operator, request, random.recordId())),
    approve: (home, operator, id) =>
      using(home, (lifts) => lifts.approve(operator, id, random.recordId())),
    list: (home) => using(home, (lifts) => lifts.list()),
  };
}
